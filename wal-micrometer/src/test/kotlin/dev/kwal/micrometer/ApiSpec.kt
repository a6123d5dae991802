package dev.kwal.micrometer

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import kotlinx.validation.api.dump
import kotlinx.validation.api.filterOutNonPublic
import kotlinx.validation.api.loadApiFromJvmClasses
import java.nio.file.Path
import kotlin.io.path.extension
import kotlin.io.path.inputStream
import kotlin.io.path.readText
import kotlin.io.path.walk
import kotlin.io.path.writeText

/** A change of the public API shows as a change of `api/wal-micrometer.api`; `-Dapi.update=true` writes that file. */
class ApiSpec :
    StringSpec({
        "the public API is the one in the dump" {
            val file = Path.of("api", "wal-micrometer.api")
            val found = publicApi()
            if (System.getProperty("api.update").toBoolean()) file.writeText(found)
            found shouldBe file.readText()
        }
    })

private fun publicApi(): String {
    val classes = Path.of("target", "classes").walk().filter {
        it.extension == "class" &&
            it.fileName.toString() != "module-info.class"
    }
    return classes
        .map { it.inputStream() }
        .loadApiFromJvmClasses()
        .filterOutNonPublic()
        .dump(StringBuilder())
        .toString()
}
