package dev.kwal.samples.events

import java.net.URI
import java.nio.file.Path

/** The real service in a JVM of its own, on a free port. It listens when this returns. */
internal class ForkedService(directory: Path, vararg arguments: String) : AutoCloseable {
    private val process: Process = ProcessBuilder(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx$HEAP_BYTES",
        "-cp",
        System.getProperty("java.class.path"),
        "dev.kwal.samples.events.MainKt",
        *arrayOf("--port", "0", "--directory", directory.toString()),
        *arguments,
    ).redirectError(ProcessBuilder.Redirect.INHERIT).start()

    private val output = process.inputReader()

    /** What recovery found, as it printed it. */
    val recovery: String = awaitLine("Recovery found: ")

    val uri: URI = URI(awaitLine("Listening on "))

    val client = Client(uri)

    /** Ends it at once, by SIGKILL. */
    fun kill() {
        process.destroyForcibly().waitFor()
    }

    /** Asks it to end, by SIGTERM. */
    fun terminate() {
        check(process.toHandle().destroy())
    }

    /** What it printed last, and its exit code. */
    fun awaitExit(): Pair<String, Int> = output.readText() to process.waitFor()

    override fun close() = kill()

    private fun awaitLine(start: String): String =
        generateSequence { output.readLine() }.firstOrNull { it.startsWith(start) }?.removePrefix(start)
            ?: error("the service ended before it said '$start', with exit code ${process.waitFor()}")

    companion object {
        /** How much memory the service has for objects. */
        const val HEAP_BYTES = 128 shl 20
    }
}
