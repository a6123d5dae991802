package dev.kwal.cli

import dev.kwal.Wal
import dev.kwal.storage.FileStore
import dev.kwal.storage.SegmentReader
import dev.kwal.storage.WalStore
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.concurrent.thread
import kotlin.io.path.createDirectory
import kotlin.io.path.exists
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name

class BackupSpec :
    StringSpec({
        "the copy of a closed log opens as that log" {
            inDirectory { directory ->
                val log = directory.resolve("log").largeLog(5)
                val copy = directory.resolve("copy")
                val before = log.image()
                val backup = kwal("backup", log, copy)
                backup.text shouldContain "copied 3 segments, "
                backup.text shouldContain " bytes; records 5, LSN 1 to 5\n"
                backup.code shouldBe 0
                log.image() shouldBe before
                directory.listDirectoryEntries().map { it.name } shouldContainExactlyInAnyOrder listOf("log", "copy")
                Wal.open(copy).use { restored ->
                    restored.texts() shouldBe (1L..5L).associateWith { large(it.toInt()) }
                    restored.append("more".toByteArray()) shouldBe 6
                }
            }
        }

        "the copy of a live log has all that was durable, and goes on by itself" {
            inDirectory { directory ->
                val copy = directory.resolve("copy")
                Wal.open(directory.resolve("log"), SMALL).use { log ->
                    repeat(5) { log.appendAndSync(large(it + 1).toByteArray()) }
                    log.checkpoint(2)
                    log.append("written".toByteArray())
                    kwal("backup", directory.resolve("log"), copy).code shouldBe 0
                    log.append("later".toByteArray())
                }
                Wal.open(copy).use { it.texts().keys shouldBe (3L..6L).toSet() }
            }
        }

        "a log that goes on and drops segments meanwhile is copied as it was at one moment" {
            inDirectory { directory ->
                val stop = AtomicBoolean()
                val source = directory.resolve("log")
                Wal.open(source, SMALL).use { log ->
                    fun append() = log.appendAndSync("record ${log.lastLsn() + 1}".toByteArray())
                    repeat(400) { append() }
                    val owner = thread {
                        while (!stop.get()) {
                            append()
                            log.checkpoint(log.lastLsn() - 300)
                        }
                    }
                    try {
                        val durable = log.durableLsn()
                        val backup = kwal("backup", source, directory.resolve("copy"))
                        backup.errors shouldBe ""
                        backup.code shouldBe 0
                        Wal.open(directory.resolve("copy")).use { copy ->
                            copy.lastLsn() shouldBeGreaterThanOrEqual durable
                            copy.texts().keys.size shouldBeGreaterThanOrEqual 300
                            copy.texts().filterNot { (lsn, text) -> text == "record $lsn" }.keys.shouldBeEmpty()
                        }
                    } finally {
                        stop.set(true)
                        owner.join()
                    }
                }
            }
        }

        "a segment whose file is recycled while it is copied is noticed, and the copy made again" {
            inDirectory { directory ->
                val source = FileStore.of(directory.resolve("log")).withRecycling(4)
                Wal.open(source, SMALL).use { log ->
                    fun append() = log.appendAndSync(large(log.lastLsn().toInt() + 1).toByteArray())
                    repeat(6) { append() }
                    val meddled = MeddledStore(source, 1) {
                        log.checkpoint(2)
                        repeat(6) { append() }
                        directory.resolve("log").segment(1).exists() shouldBe false
                    }
                    Backup.of(meddled, directory.resolve("copy")).records() shouldBe "10, LSN 3 to 12"
                    meddled.hasMeddled shouldBe true
                }
                Wal.open(directory.resolve("copy")).use { copy ->
                    copy.texts() shouldBe (3L..12L).associateWith { large(it.toInt()) }
                }
            }
        }

        "an empty log has an empty copy" {
            inDirectory { directory ->
                val log = directory.resolve("log").log()
                kwal("backup", log, directory.resolve("copy")).code shouldBe 0
                Wal.open(directory.resolve("copy")).use { it.append("a".toByteArray()) shouldBe 1 }
            }
        }

        "a damaged log makes no backup" {
            inDirectory { directory ->
                val log = directory.resolve("log").largeLog(5)
                log.damage(large(2))
                val backup = kwal("backup", log, directory.resolve("copy"))
                backup.errors shouldContain "segment 1 at byte 560: the checksum is wrong"
                backup.code shouldBe 1
                directory.listDirectoryEntries().map { it.name } shouldBe listOf("log")
            }
        }

        "what is there already is not touched" {
            inDirectory { directory ->
                val log = directory.resolve("log").log("a")
                val there = directory.resolve("there").createDirectory()
                val backup = kwal("backup", log, there)
                backup.errors shouldContain "exists already: $there"
                backup.code shouldBe 3
                there.listDirectoryEntries().shouldBeEmpty()
                val begun = directory.resolve("copy.partial").createDirectory()
                kwal("backup", log, directory.resolve("copy")).errors shouldContain "left by a run that was ended"
                begun.exists() shouldBe true
            }
        }

        "a backup into a directory that is missing is an error of the medium" {
            inDirectory { directory ->
                kwal("backup", directory.resolve("missing"), directory.resolve("copy")).code shouldBe 3
                directory.listDirectoryEntries().shouldBeEmpty()
            }
        }
    })

/** Lets something happen once, when a segment has been opened and is about to be copied. */
private class MeddledStore(
    private val store: WalStore,
    private val sequence: Long,
    private val meddle: () -> Unit,
) : WalStore by store {
    var hasMeddled = false
        private set

    override fun open(sequence: Long): SegmentReader {
        val reader = store.open(sequence)
        return if (sequence != this.sequence) reader else Reader(reader)
    }

    private inner class Reader(private val reader: SegmentReader) : SegmentReader by reader {
        override fun read(position: Long, target: ByteBuffer): Int {
            // Whoever looks into a log reads the header first, and alone.
            if (position == 0L && target.remaining() > HEADER_BYTES && !hasMeddled) {
                hasMeddled = true
                meddle()
            }
            return reader.read(position, target)
        }
    }
}

private const val HEADER_BYTES = 64
