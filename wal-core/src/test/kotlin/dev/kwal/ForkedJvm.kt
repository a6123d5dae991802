package dev.kwal

import java.io.BufferedReader
import java.nio.file.Path

/** A main class of the tests in a JVM of its own. */
class ForkedJvm(
    mainClass: String,
    vmOptions: List<String>,
    arguments: List<String>,
) : AutoCloseable {
    private val process: Process =
        ProcessBuilder(
            listOf(Path.of(System.getProperty("java.home"), "bin", "java").toString()) +
                vmOptions +
                listOf("-cp", System.getProperty("java.class.path"), mainClass) +
                arguments,
        ).redirectError(ProcessBuilder.Redirect.INHERIT).start()

    /** What it prints. */
    val output: BufferedReader = process.inputReader()

    /** Ends it at once, by SIGKILL. Returns the whole lines that it had printed and nobody had read. */
    fun kill(): List<String> {
        // Through its handle, because destroying the process itself also closes the stream that is read here.
        process.toHandle().destroyForcibly()
        process.waitFor()
        return output.readText().substringBeforeLast('\n', "").lines()
    }

    fun waitFor(): Int = process.waitFor()

    override fun close() {
        process.destroyForcibly().waitFor()
    }
}
