package dev.kwal

import dev.kwal.storage.FileStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.NewDirectory
import dev.kwal.storage.SegmentReader
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.ByteBuffer
import java.nio.file.FileAlreadyExistsException
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.concurrent.thread
import kotlin.io.path.createDirectory
import kotlin.io.path.exists
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readBytes

/** That a backup is the log as it was at one moment, whole, and stays so whatever the log does afterwards. */
class BackupSpec :
    StringSpec({
        "the owner's backup has all that was appended, opens as that log, and goes on by itself" {
            inBackup { log, copy ->
                log.writeLarge(5).checkpoint(2)
                log.wal.append("buffered".toByteArray(), Durability.BUFFERED)
                log.wal.backup(copy) shouldBe WalBackup(2, 0, Wal.openReadOnly(copy).use { it.sizeBytes() }, 3, 6)
                log.write("later")
                Wal.open(FileStore.of(copy), SMALL_SEGMENTS).use { restored ->
                    restored.logId() shouldBe log.wal.logId()
                    restored.records() shouldBe (3L..5L).map(::largeRecord) + "buffered"
                    restored.append("other".toByteArray()) shouldBe 7
                    restored.rotate()
                }
                log.reopen().records() shouldBe (3L..5L).map(::largeRecord) + "buffered" + "later"
            }
        }

        "everything in the copy of a live log is proven to be durable, to its very end" {
            inBackup { log, copy ->
                log.write("a", "b")
                Wal.openReadOnly(log.store, SMALL_SEGMENTS).use { it.backup(copy) }
                Wal.openReadOnly(copy).use { it.records() shouldBe listOf("a", "b") }
                val damaged = FileStore.of(copy).image().withLast { it.also { bytes -> bytes[B_BYTE]++ } }
                shouldThrow<WalCorruptedException> { Wal.open(damaged.store(), SMALL_SEGMENTS) }.lsn() shouldBe 2
            }
        }

        "a log that was cut below what was expected of it when it was opened is backed up as it is" {
            inBackup { log, copy ->
                log.writeLarge(3).close()
                Wal.open(log.store, SMALL_SEGMENTS.withExpectAtLeast(3)).use { wal ->
                    wal.truncateAfter(1)
                    wal.backup(copy).lastLsn() shouldBe 1
                }
            }
        }

        "the copy of a closed log has the same bytes, and is closed" {
            inBackup { log, copy ->
                log.writeLarge(5).close()
                Wal.openReadOnly(log.store, SMALL_SEGMENTS).use { it.backup(copy).segments() shouldBe 3 }
                FileStore.of(copy).image().hasBytesOf(log.store.image()) shouldBe true
                Wal.open(copy).use { it.recovery().end() shouldBe RecoveryReport.End.CLEAN }
            }
        }

        "what is torn, and half a batch, are no part of the copy" {
            inBackup { log, copy ->
                log.write("a").writeBatch("b", "c").kill()
                val torn = log.frames().last().position.toInt() + 9
                log.edit(1) { bytes -> bytes.copyOf(torn) }
                Wal.openReadOnly(log.store, SMALL_SEGMENTS).use { it.backup(copy).lastLsn() shouldBe 1 }
                Wal.open(copy).use {
                    it.recovery().end() shouldBe RecoveryReport.End.UNCLOSED
                    it.records() shouldBe listOf("a")
                }
            }
        }

        "the copy of a log that gave up a suffix knows its epoch" {
            inBackup { log, copy ->
                log.writeLarge(5).truncateAfter(3).write("again")
                log.wal.backup(copy).segments() shouldBe 3
                Wal.open(copy).use {
                    it.epoch() shouldBe 1
                    it.records() shouldBe (1L..3L).map(::largeRecord) + "again"
                }
            }
        }

        "sealed segments are linked, the one being written is copied" {
            inDirectory { directory ->
                val source = directory.resolve("log")
                Wal.open(FileStore.of(source), SMALL_SEGMENTS).use { log ->
                    repeat(5) { log.append(largeRecord(it + 1L).toByteArray()) }
                    log.backup(directory.resolve("copy")).linkedSegments() shouldBe 2
                }
                (1..3).map { sequence ->
                    Files.isSameFile(source.segment(sequence), directory.resolve("copy").segment(sequence))
                } shouldBe listOf(true, true, false)
            }
        }

        "a log that is not in files is copied" {
            inDirectory { directory ->
                Wal.open(MemoryStore(StoreCapabilities.PROCESS_CRASH_ONLY), SMALL_SEGMENTS).use { log ->
                    repeat(5) { log.append(largeRecord(it + 1L).toByteArray()) }
                    log.backup(directory.resolve("copy")).linkedSegments() shouldBe 0
                }
                Wal.open(directory.resolve("copy")).use { it.records() shouldBe (1L..5L).map(::largeRecord) }
            }
        }

        "a file that is linked is not recycled, others are" {
            inDirectory { directory ->
                val source = FileStore.of(directory.resolve("log")).withRecycling(4)
                val copy = directory.resolve("copy")
                Wal.open(source, SMALL_SEGMENTS).use { log ->
                    fun append(count: Int) = repeat(count) { log.append(largeRecord(log.lastLsn() + 1).toByteArray()) }
                    append(5)
                    log.backup(copy).linkedSegments() shouldBe 2
                    val before = copy.files()
                    append(4)
                    log.checkpoint(8)
                    directory.resolve("log").pooled() shouldBe listOf("00000000000000000003", "00000000000000000004")
                        .map { "pool-$it.free" }
                    append(8)
                    copy.files() shouldBe before
                }
                Wal.open(FileStore.of(copy), SMALL_SEGMENTS).use { it.records() shouldBe (1L..5L).map(::largeRecord) }
            }
        }

        "an owner of the copy that recycles leaves the log alone" {
            inDirectory { directory ->
                val copy = directory.resolve("copy")
                Wal.open(FileStore.of(directory.resolve("log")), SMALL_SEGMENTS).use { log ->
                    repeat(5) { log.append(largeRecord(it + 1L).toByteArray()) }
                    log.backup(copy)
                    Wal.open(FileStore.of(copy).withRecycling(4), SMALL_SEGMENTS).use { other ->
                        other.checkpoint(4)
                        repeat(9) { other.append(largeRecord(other.lastLsn() + 1).toByteArray()) }
                    }
                    log.records() shouldBe (1L..5L).map(::largeRecord)
                }
                Wal.open(directory.resolve("log")).use { it.records() shouldBe (1L..5L).map(::largeRecord) }
            }
        }

        "a segment whose file is recycled while it is copied is noticed, and the copy made again" {
            inDirectory { directory ->
                val source = FileStore.of(directory.resolve("log")).withRecycling(4)
                Wal.open(source, SMALL_SEGMENTS).use { log ->
                    fun append(count: Int) = repeat(count) { log.append(largeRecord(log.lastLsn() + 1).toByteArray()) }
                    append(6)
                    val meddled = MeddledStore(source, 1) {
                        log.checkpoint(2)
                        append(6)
                        directory.resolve("log").segment(1).exists() shouldBe false
                    }
                    Wal.openReadOnly(meddled, SMALL_SEGMENTS).use {
                        val backup = it.backup(directory.resolve("copy"))
                        listOf(backup.firstLsn(), backup.lastLsn()) shouldBe listOf(3, 12)
                    }
                    meddled.hasMeddled shouldBe true
                }
                Wal.open(directory.resolve("copy")).use { it.records() shouldBe (3L..12L).map(::largeRecord) }
            }
        }

        "a log that goes on, drops, recycles and gives up meanwhile is copied as it was at one moment" {
            inDirectory { directory ->
                val stop = AtomicBoolean()
                val source = FileStore.of(directory.resolve("log")).withRecycling(4)
                Wal.open(source, SMALL_SEGMENTS).use { log ->
                    fun append() = log.appendAndSync("record ${log.lastLsn() + 1}".toByteArray())
                    repeat(400) { append() }
                    val owner = thread {
                        while (!stop.get()) {
                            repeat(20) { append() }
                            log.truncateAfter(log.lastLsn() - 10)
                            log.checkpoint(log.lastLsn() - 300)
                        }
                    }
                    try {
                        for (number in 1..5) {
                            val backup = log.backup(directory.resolve("copy$number"))
                            backup.lastLsn() - backup.firstLsn() shouldBeGreaterThanOrEqual 289
                        }
                    } finally {
                        stop.set(true)
                        owner.join()
                    }
                }
                for (number in 1..5) {
                    Wal.open(directory.resolve("copy$number")).use { copy ->
                        copy.records() shouldBe (copy.firstLsn()..copy.lastLsn()).map { "record $it" }
                    }
                }
            }
        }

        "a log that never had a record has a copy without segments" {
            inBackup { log, copy ->
                log.wal.backup(copy) shouldBe WalBackup(0, 0, 0, 1, 0)
                Wal.open(copy).use { it.append("a".toByteArray()) shouldBe 1 }
            }
        }

        "a damaged log makes no backup and leaves nothing behind" {
            inBackup { log, copy ->
                log.writeLarge(5).flipByteOf(largeRecord(2))
                val thrown = shouldThrow<WalCorruptedException> { log.wal.backup(copy) }
                thrown.segment() shouldBe 1
                thrown.message shouldContain "the checksum is wrong"
                copy.parent.listDirectoryEntries().map { it.name } shouldBe listOf("log")
            }
        }

        "what is there already is not touched" {
            inBackup { log, copy ->
                log.write("a")
                copy.createDirectory()
                shouldThrow<FileAlreadyExistsException> { log.wal.backup(copy) }
                copy.listDirectoryEntries() shouldBe emptyList()
                Files.delete(copy)
                val begun = copy.resolveSibling("copy.partial").createDirectory()
                shouldThrow<FileAlreadyExistsException> { log.wal.backup(copy) }.message shouldContain "delete it"
                begun.exists() shouldBe true
            }
        }

        "a failed log can be backed up, a closed one cannot" {
            inBackup { log, copy ->
                log.write("a").sync()
                log.store.fail("sync")
                runCatching { log.write("b").sync() }
                log.wal.state() shouldBe WalState.FAILED
                log.wal.backup(copy).firstLsn() shouldBe 1
                val reader = Wal.openReadOnly(copy)
                reader.records().first() shouldBe "a"
                reader.close()
                shouldThrow<WalClosedException> { reader.backup(copy.resolveSibling("other")) }
                runCatching { log.close() }
                shouldThrow<WalClosedException> { log.wal.backup(copy.resolveSibling("other")) }
            }
        }

        "a directory that is not complete is deleted, with all that was put into it" {
            inDirectory { directory ->
                NewDirectory.of(FileStore.of(directory.resolve("new"))).use { made ->
                    made.store().lock().close()
                    made.write("NOTE", "text".toByteArray())
                    directory.listDirectoryEntries().map { it.name } shouldBe listOf("new.partial")
                }
                directory.listDirectoryEntries() shouldBe emptyList()
                NewDirectory.of(FileStore.of(directory.resolve("new"))).use { made ->
                    made.store().lock().close()
                    made.write("NOTE", "text".toByteArray())
                    made.complete()
                }
                directory.resolve("new").listDirectoryEntries().map { it.name } shouldContainExactlyInAnyOrder
                    listOf("LOCK", "NOTE")
            }
        }
    })

/** Behind the header, OPEN and a frame of 32 bytes, the record of the next. */
private const val B_BYTE = 64 + 88 + 32 + 24

private fun inBackup(work: (LogFixture, Path) -> Unit) = inDirectory { directory ->
    val log = LogFixture(FileStore.of(directory.resolve("log")))
    try {
        work(log, directory.resolve("copy"))
    } finally {
        log.kill()
    }
}

private fun Path.segment(sequence: Int): Path = resolve("$sequence".padStart(20, '0') + ".wal")

private fun Path.files() = listDirectoryEntries().associate { it.name to it.readBytes().toList() }

private fun Path.pooled() = listDirectoryEntries("pool-*").map { it.name }.sorted()

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
            if (position == 0L && target.remaining() > Format.HEADER_BYTES && !hasMeddled) {
                hasMeddled = true
                meddle()
            }
            return reader.read(position, target)
        }
    }
}
