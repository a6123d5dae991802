package dev.kwal.samples.importer

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.io.OutputStream
import java.lang.ProcessBuilder.Redirect
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.io.path.extension
import kotlin.io.path.fileSize
import kotlin.io.path.name
import kotlin.io.path.outputStream
import kotlin.io.path.readText
import kotlin.io.path.walk
import kotlin.random.Random

/** Inputs as they come, and more of them than fits in memory. */
class RealInputSpec :
    StringSpec({
        "the history of this project comes back byte for byte" {
            val directory = tempdir().toPath()
            val history = directory.resolve("history")
            val what = if (wroteHistory(history)) "git log -p" else "all sources, as git has no history here"
            if (what != "git log -p") writeSources(history)
            withClue("$what, ${history.fileSize()} bytes") {
                history.fileSize() shouldBeGreaterThan 100_000
                importer("import", directory.resolve("log"), history).exitCode shouldBe 0
                importer("export", directory.resolve("log"), directory.resolve("out")).exitCode shouldBe 0
                Files.mismatch(history, directory.resolve("out")) shouldBe -1
            }
        }

        "200 MB go in and out with 48 MB of heap" {
            val directory = tempdir().toPath()
            val input = directory.resolve("in")
            input.outputStream().buffered().use { writeMess(it, 200_000_000) }
            forked(directory, "import", "log", "in")
            forked(directory, "export", "log", "out")
            Files.mismatch(input, directory.resolve("out")) shouldBe -1
        }
    })

private val ROOT: Path = Path.of("..").toRealPath()

/** Whether there is a history: an exported copy of the project has none, nor a machine without git. */
private fun wroteHistory(to: Path): Boolean {
    if (!ROOT.resolve(".git").exists()) return false
    val git = ProcessBuilder("git", "log", "-p", "--no-color").directory(ROOT.toFile())
    return try {
        git.redirectOutput(to.toFile()).redirectError(Redirect.DISCARD).start().waitFor() == 0 && to.fileSize() > 0
    } catch (_: IOException) {
        false
    }
}

private fun writeSources(to: Path) = to.outputStream().use { out ->
    val sources = ROOT.walk().filter { it.extension in setOf("kt", "java", "md", "xml") }
    sources.filter { file -> file.none { it.name == "target" } }.sorted().forEach { Files.copy(it, out) }
}

/** Text, bytes of any kind, and lines of megabytes, in turns. */
private fun writeMess(out: OutputStream, totalBytes: Int) {
    val random = Random(SEED)
    var written = 0
    while (written < totalBytes) {
        val part = when (random.nextInt(4)) {
            0 -> random.nextBytes(random.nextInt(1 shl 20))

            1 -> ByteArray(random.nextInt(4 shl 20)) { 'x'.code.toByte() }

            else -> List(random.nextInt(20_000)) {
                "order $it paid by ${random.nextLong()}\n"
            }.joinToString("").toByteArray()
        }
        val length = minOf(part.size, totalBytes - written)
        out.write(part, 0, length)
        written += length
    }
}

private const val SEED = 7

private fun forked(directory: Path, vararg args: String) {
    val said = directory.resolve("${args[0]}.txt")
    val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
    val command = listOf(java, "-Xmx48m", "-cp", absoluteClassPath(), "dev.kwal.samples.importer.ImporterKt")
    val process = ProcessBuilder(command + args).directory(directory.toFile()).redirectErrorStream(true)
    val exitCode = process.redirectOutput(said.toFile()).start().waitFor()
    withClue(said.readText()) { exitCode shouldBe 0 }
}

private fun absoluteClassPath(): String {
    val separator = System.getProperty("path.separator")
    return System.getProperty("java.class.path").split(separator).joinToString(separator) {
        Path.of(it).toAbsolutePath().toString()
    }
}
