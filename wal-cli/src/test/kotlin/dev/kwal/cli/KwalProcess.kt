package dev.kwal.cli

import java.io.InputStream
import java.nio.file.Path
import java.util.concurrent.CompletableFuture

/** What a run of the command left behind. */
internal class Outcome(val code: Int, val bytes: ByteArray, val errors: String) {
    val text: String get() = bytes.decodeToString()

    val lines: List<String> get() = text.lines().dropLastWhile(String::isEmpty)

    override fun toString() = "exit code $code\n$text$errors"
}

/** The jar as users run it, in a process of its own, under a locale that knows ASCII only. */
internal class KwalProcess(vararg arguments: Any) : AutoCloseable {
    private val process: Process =
        ProcessBuilder(listOf(java, "-Xmx256m", "-jar", jar) + arguments.map(Any::toString))
            .also { it.environment()["LC_ALL"] = "C" }
            .start()

    private val errors = inBackground(process.errorStream)

    val output: InputStream get() = process.inputStream

    /** Its end, when it has said everything. */
    fun outcome(): Outcome {
        val bytes = output.readAllBytes()
        return Outcome(process.waitFor(), bytes, errors.get().decodeToString())
    }

    /** Its end, when nobody listened. */
    fun outcomeUnread(): Outcome = Outcome(process.waitFor(), ByteArray(0), errors.get().decodeToString())

    override fun close() {
        process.destroyForcibly().waitFor()
    }

    private fun inBackground(stream: InputStream) = CompletableFuture.supplyAsync { stream.readAllBytes() }

    private companion object {
        val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
        val jar: String = checkNotNull(System.getProperty("kwal.jar")) { "the build says where the jar is" }
    }
}

/** Runs the command to its end. */
internal fun kwal(vararg arguments: Any): Outcome = KwalProcess(*arguments).use { it.outcome() }
