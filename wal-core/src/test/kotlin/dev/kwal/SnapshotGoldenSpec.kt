package dev.kwal

import io.kotest.core.spec.style.StringSpec
import io.kotest.core.test.Enabled
import io.kotest.matchers.shouldBe
import java.io.ByteArrayOutputStream
import java.nio.file.Path
import java.security.MessageDigest
import java.util.HexFormat
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readBytes
import kotlin.io.path.readText

/**
 * Snapshots of version 1, made from `docs/format.md` without the code. `expected.txt` says what a reader has to find in
 * them. They never change.
 */
class SnapshotGoldenSpec :
    StringSpec({
        "the golden snapshots are read as they were meant" {
            val found = golden.listDirectoryEntries("*.snapshot").sorted().joinToString("") { "${told(it)}\n" }
            found shouldBe golden.resolve("expected.txt").readText()
        }

        "the code writes the same bytes" {
            for ((sequence, meant) in meant) {
                val (snapshot, content) = meant
                val bytes = ByteArrayOutputStream()
                SnapshotOutput(bytes, snapshot).run {
                    write(content)
                    end()
                }
                hex(bytes.toByteArray()) shouldBe hex(file(sequence).readBytes())
            }
        }

        "a reader written from docs/format.md alone finds the same".config(
            enabledOrReasonIf = { if (hasPython) Enabled.enabled else Enabled.disabled("there is no python3") },
        ) {
            python("$script", "$golden") shouldBe (0 to golden.resolve("expected.txt").readText())
        }
    })

private val golden: Path = Path.of("src", "test", "resources", "golden", "snapshots-v1")
private val script = Path.of("src", "test", "python", "read_snapshots.py")

private val meant = mapOf(
    1L to (Snapshot(1, 0, 0) to ByteArray(0)),
    2L to (Snapshot(2, 2, 1) to "state".toByteArray()),
    3L to (Snapshot(3, 1L shl 62, 7) to ByteArray(1000) { (it * 31).toByte() }),
)

private fun file(sequence: Long): Path = golden.resolve("$sequence".padStart(20, '0') + ".snapshot")

/** The line of a snapshot in `expected.txt`. */
private fun told(file: Path): String {
    val sequence = file.name.substringBefore('.').toLong()
    return try {
        file.toFile().inputStream().use { source ->
            val input = SnapshotInput(source, sequence)
            val snapshot = input.snapshot()
            val content = input.readBytes()
            "$sequence epoch ${snapshot.epoch()}, LSN ${snapshot.lsn()} ${content.size} ${shown(content)}".trimEnd()
        }
    } catch (e: WalSnapshotException) {
        if ("version" in e.message.orEmpty()) "$sequence refused" else "$sequence damaged"
    }
}

private fun hex(bytes: ByteArray): String = HexFormat.of().formatHex(bytes)

private fun shown(content: ByteArray): String {
    if (content.size <= 16) return hex(content)
    return "sha256 " + hex(MessageDigest.getInstance("SHA-256").digest(content)).take(16)
}
