package dev.kwal

import dev.kwal.storage.FileStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.core.test.Enabled
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import java.nio.file.Path
import java.util.HexFormat
import java.util.concurrent.TimeUnit
import kotlin.io.path.createDirectories
import kotlin.io.path.createDirectory
import kotlin.io.path.exists
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readBytes
import kotlin.io.path.readLines
import kotlin.io.path.readText
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

/**
 * Logs of format version 1 as they were written when it was frozen. Every later version reads them, and each `expected.txt`
 * beside them says what it has to find. They never change; a new shape, or a new version of the format, gets golden
 * logs of its own by `-Dgolden.write=true`.
 */
class GoldenSpec :
    StringSpec({
        if (System.getProperty("golden.write") == "true") writeGoldenLogs()

        "there is a golden log of each shape" {
            golden.listDirectoryEntries().map { it.name } shouldContainExactlyInAnyOrder
                LogShape.all.map { it.name } + craftedByFormatSpec
        }

        for (directory in golden.listDirectoryEntries().sorted()) {
            val name = directory.name
            val expected = Expected(directory.resolve("expected.txt").readLines())

            "golden $name: a reader beside an owner finds what is proven, and changes nothing" {
                val before = files(directory)
                if (expected.isReadable) {
                    Wal.openReadOnly(directory).use { log ->
                        log.lines() shouldBe expected.records.take(log.lines().size)
                        log.lines().size.toLong() shouldBe log.durableLsn() - log.firstLsn() + 1
                        log.end() shouldBe expected.end
                    }
                } else {
                    shouldThrow<WalCorruptedException> { Wal.openReadOnly(directory) }.text() shouldBe expected.end
                }
                files(directory) shouldBe before
            }

            "golden $name: an owner finds every record, and so does the next" {
                inDirectory { copy ->
                    files(directory).forEach { (file, bytes) -> copy.resolve(file).writeBytes(bytes.toByteArray()) }
                    repeat(2) {
                        if (expected.isReadable) {
                            Wal.open(FileStore.of(copy), SMALL_SEGMENTS).use { it.lines() shouldBe expected.records }
                        } else {
                            shouldThrow<WalCorruptedException> { Wal.open(copy) }.text() shouldBe expected.end
                        }
                    }
                }
            }
        }

        for (shape in LogShape.all) {
            "golden ${shape.name}: the code still writes the same bytes" {
                val written = FileStore.of(golden.resolve(shape.name)).image()
                written.keys shouldBe shape.image.keys
                for ((sequence, bytes) in shape.image) {
                    withClue("segment $sequence") {
                        HexFormat.of().formatHex(bytes) shouldBe HexFormat.of().formatHex(written[sequence])
                    }
                }
            }
        }

        "a reader written from docs/format.md alone finds the same in all golden logs".config(
            enabledOrReasonIf = { if (hasPython) Enabled.enabled else Enabled.disabled("there is no python3") },
        ) {
            for (directory in golden.listDirectoryEntries().sorted()) {
                val expected = directory.resolve("expected.txt").readText()
                withClue(directory.name) {
                    val (exit, output) = python("$script", "$directory")
                    output shouldBe expected
                    exit shouldBe if (Expected(expected.lines()).isReadable) 0 else 1
                }
            }
        }
    })

private val golden: Path = Path.of("src", "test", "resources", "golden", "v${Format.VERSION}")

/** They hold the documented bytes, and [FormatSpec] says so. */
private val craftedByFormatSpec = listOf("worked", "given-up")

private val script = Path.of("src", "test", "python", "read_log.py")

/** What `expected.txt` says: a line for each record, then how the log ends or where it is damaged. */
private class Expected(lines: List<String>) {
    private val text = lines.filter { it.isNotEmpty() }
    val isReadable = text.last().startsWith("ends ")
    val records = text.dropLast(1)
    val end = if (isReadable) text.last() else text.last().substringBefore(':')
}

private fun files(directory: Path): Map<String, List<Byte>> =
    directory.listDirectoryEntries().associate { it.name to it.readBytes().toList() }

/** Logs of the shapes that have none yet. Those that there are, are never written anew. */
private fun writeGoldenLogs() {
    golden.createDirectories()
    for (shape in LogShape.all.filterNot { golden.resolve(it.name).exists() }) {
        val directory = golden.resolve(shape.name).createDirectory()
        shape.image.forEach { (sequence, bytes) ->
            directory.resolve("$sequence".padStart(20, '0') + ".wal").writeBytes(bytes)
        }
        directory.resolve("expected.txt").writeText(python("$script", "$directory").second)
    }
}

internal val hasPython: Boolean = runCatching { python("--version").first == 0 }.getOrDefault(false)

/** Its exit code and what it prints. */
internal fun python(vararg arguments: String): Pair<Int, String> {
    val process = ProcessBuilder("python3", *arguments).redirectErrorStream(true).start()
    process.outputStream.close()
    val output = process.inputStream.readAllBytes().decodeToString()
    check(process.waitFor(1, TimeUnit.MINUTES)) { "python3 does not end" }
    return process.exitValue() to output
}
