package dev.kwal

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import java.io.PrintWriter
import java.io.StringWriter
import java.lang.module.ModuleDescriptor
import java.lang.reflect.Modifier
import java.nio.file.Path
import java.util.spi.ToolProvider
import kotlin.io.path.extension
import kotlin.io.path.inputStream
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.nameWithoutExtension
import kotlin.io.path.readText
import kotlin.io.path.writeText

/**
 * A change of the public API shows as a change of `api/wal-core.api`; `-Dapi.update=true` writes that file. What is exported
 * to the testkit alone is no part of it.
 */
class ApiSpec :
    StringSpec({
        "the public API is the one in the dump" {
            val file = Path.of("api", "wal-core.api")
            val found = publicApi()
            if (System.getProperty("api.update").toBoolean()) file.writeText(found)
            found shouldBe file.readText()
        }
    })

private val classes = Path.of("target", "classes")

private fun publicApi(): String {
    val module = classes.resolve("module-info.class").inputStream().use { ModuleDescriptor.read(it) }
    return module
        .exports()
        .filterNot { it.isQualified }
        .map { it.source() }
        .sorted()
        .flatMap { publicClassesOf(it) }
        .joinToString("\n") { describe(it) }
}

private fun publicClassesOf(packageName: String): List<String> =
    classes
        .resolve(packageName.replace('.', '/'))
        .listDirectoryEntries("*.class")
        .filter { it.extension == "class" && it.nameWithoutExtension != "package-info" }
        .map { "$packageName.${it.nameWithoutExtension}" }
        .filter { isPublic(Class.forName(it, false, ApiSpec::class.java.classLoader)) }
        .sorted()

private fun isPublic(type: Class<*>): Boolean =
    !type.isAnonymousClass &&
        type.modifiers and (Modifier.PUBLIC or Modifier.PROTECTED) != 0 &&
        (type.declaringClass?.let(::isPublic) ?: true)

/** The class's head, then its members in order of their text: javac and javap of every JDK agree on that. */
private fun describe(className: String): String {
    val lines = javap("-protected", "-classpath", "$classes", className).lines().filterNot {
        it.startsWith("Compiled from")
    }
    val members = lines.filter { it.startsWith("  ") }.sorted()
    return (lines.filter { it.endsWith("{") } + members + "}\n").joinToString("\n")
}

private fun javap(vararg arguments: String): String {
    val output = StringWriter()
    val errors = StringWriter()
    val code = ToolProvider.findFirst("javap").get().run(PrintWriter(output), PrintWriter(errors), *arguments)
    check(code == 0) { "javap exits with $code: $errors" }
    return output.toString()
}
