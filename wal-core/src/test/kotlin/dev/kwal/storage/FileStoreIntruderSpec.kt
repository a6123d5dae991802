package dev.kwal.storage

import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.inDirectory
import dev.kwal.storage.contract.bytes
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.FileSystemException
import java.nio.file.Files
import java.nio.file.LinkOption.NOFOLLOW_LINKS
import java.nio.file.Path
import kotlin.io.path.createDirectory
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.div
import kotlin.io.path.exists
import kotlin.io.path.readText
import kotlin.io.path.writeText

private const val SEGMENT = "00000000000000000001.wal"

private val mkfifo = Path.of("/usr/bin/mkfifo")

/** Things that are no files under the names of the store are neither followed, waited for, nor deleted. */
class FileStoreIntruderSpec :
    StringSpec({
        val intruders = buildMap<String, (Path) -> Unit> {
            put("a link to a file") { it.createSymbolicLinkPointingTo(it.resolveSibling("target")) }
            put("a link to nothing") { it.createSymbolicLinkPointingTo(it.resolveSibling("nothing")) }
            put("a directory") { it.createDirectory() }
            if (mkfifo.exists()) put("a pipe") { check(ProcessBuilder("$mkfifo", "$it").start().waitFor() == 0) }
        }

        for ((what, intrude) in intruders) {
            "$what in the place of a segment is refused to readers and to the owner" {
                withIntruder(SEGMENT, intrude) { directory ->
                    shouldThrow<FileSystemException> { Wal.openReadOnly(directory) }.message shouldContain SEGMENT
                    shouldThrow<FileSystemException> { Wal.open(directory) }.message shouldContain "a regular file"
                }
            }

            "$what in the place of the lock is refused" {
                withIntruder("LOCK", intrude) { directory ->
                    shouldThrow<FileSystemException> { Wal.open(directory) }.message shouldContain "a regular file"
                }
            }

            "$what under the name of a file that comes and goes is no hindrance" {
                for (name in listOf("RESERVE", FileNames.pooled(2), FileNames.pooled(9))) {
                    withIntruder(name, intrude) { useAll(it) }
                }
            }

            "$what under the name of a segment being made is refused when that segment is made" {
                withIntruder("$SEGMENT.tmp", intrude) { directory ->
                    val store = FileStore.of(directory)
                    store.lock().use {
                        shouldThrow<FileSystemException> { store.create(1, bytes("h"), 0) }.message shouldContain
                            SEGMENT
                        store.segments().size shouldBe 0
                    }
                }
            }
        }

        "a link to the directory is as good as the directory" {
            inDirectory { directory ->
                val link = directory / "link"
                link.createSymbolicLinkPointingTo((directory / "log").createDirectory())
                useAll(link)
                Wal.openReadOnly(directory / "log").use { it.lastLsn() shouldBe 8 }
                Files.delete(link)
            }
        }

        "no name of a file leads out of the directory" {
            for (sequence in longArrayOf(1, 10, Long.MAX_VALUE)) {
                val names =
                    listOf(FileNames.segment(sequence), FileNames.temporary(sequence), FileNames.pooled(sequence))
                names.forEach { Path.of("a", "b").resolve(it).normalize().parent shouldBe Path.of("a", "b") }
            }
            inDirectory { directory ->
                val store = FileStore.of(directory)
                for (sequence in longArrayOf(0, -1, Long.MIN_VALUE)) {
                    shouldThrow<IllegalArgumentException> { store.open(sequence) }
                    shouldThrow<IllegalArgumentException> { store.delete(sequence) }
                    shouldThrow<IllegalArgumentException> { store.create(sequence, bytes("h"), 0) }
                }
            }
        }
    })

/** Puts the intruder there, lets the work meet it, and finds it as it was. It is gone before anything cleans up. */
private fun withIntruder(name: String, intrude: (Path) -> Unit, work: (Path) -> Unit) = inDirectory { directory ->
    val target = directory / "target"
    target.writeText("kept")
    val intruder = directory / name
    intrude(intruder)
    try {
        val before = kindOf(intruder)
        work(directory)
        kindOf(intruder) shouldBe before
        target.readText() shouldBe "kept"
        (directory / "nothing").exists() shouldBe false
    } finally {
        Files.deleteIfExists(intruder)
    }
}

private fun kindOf(path: Path): Map<String, Any?> =
    Files.readAttributes(path, "isDirectory,isSymbolicLink,isOther,fileKey", NOFOLLOW_LINKS)

/** A life with rotation, checkpoints, recycling and a reserve. */
private fun useAll(directory: Path) {
    repeat(2) {
        Wal.open(FileStore.of(directory).withRecycling(2), WalOptions.DEFAULT.withSegmentBytes(1024)).use { log ->
            repeat(4) {
                log.appendAndSync("record".toByteArray())
                log.rotate()
                log.checkpoint(log.lastLsn() - 1)
            }
        }
    }
}
