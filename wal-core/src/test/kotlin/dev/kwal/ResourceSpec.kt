package dev.kwal

import dev.kwal.resources.Resources
import dev.kwal.storage.FileStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.StoreLockedException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.throwables.shouldThrowAny
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveAtMostSize
import io.kotest.matchers.comparables.shouldBeLessThanOrEqualTo
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import kotlin.time.Duration.Companion.days

private const val OPENS = 10_000

/** Of these as many are on files; `-Dresources.fileOpens=10000` for all. */
private val FILE_OPENS = Integer.getInteger("resources.fileOpens", 100)

private const val VAIN_OPENS = 50

/** Threads of the last few logs, which are about to end. */
private const val ENDING_THREADS = 100

private val SMALL_BUFFERS = SMALL_SEGMENTS.withBufferBytes(4 shl 10)

/** What a hundred logs have in their buffers: more is a leak. */
private const val DIRECT_SLACK = 100L * 2 * (4 shl 10)

/** What a log takes it gives back, however it ends. */
class ResourceSpec :
    StringSpec({
        "$OPENS opens and closes leave neither threads nor direct memory behind" {
            val store = MemoryStore(StoreCapabilities.DURABLE)
            val direct = Resources.directBytes()
            repeat(OPENS) {
                Wal.open(store, SMALL_BUFFERS).use { wal ->
                    wal.addObserver { }
                    wal.append("a".toByteArray())
                    if (it % 10 == 0) wal.sync(Duration.ofDays(1))
                    wal.checkpoint(wal.lastLsn())
                }
                if (it % 100 == 0) Resources.logThreads() shouldHaveAtMostSize ENDING_THREADS
            }
            awaitUntil { Resources.directBytes() < direct + DIRECT_SLACK }
        }

        "$FILE_OPENS opens and closes on files leave no file open".config(timeout = 365.days) {
            leavingNothing { directory ->
                repeat(FILE_OPENS) {
                    Wal.open(FileStore.of(directory).withRecycling(it % 3), SMALL_BUFFERS).use { wal ->
                        wal.append(largeRecord(wal.lastLsn() + 1).toByteArray())
                        if (it % 10 == 0) wal.rotate()
                        if (it % 50 == 0) wal.checkpoint(wal.lastLsn())
                    }
                    Resources.filesIn(directory).shouldBeEmpty()
                }
            }
        }

        "opening what is locked takes nothing" {
            leavingNothing { directory ->
                Wal.open(directory, SMALL_BUFFERS).use {
                    val files = Resources.filesIn(directory)
                    repeat(VAIN_OPENS) { shouldThrow<StoreLockedException> { Wal.open(directory) } }
                    Resources.filesIn(directory) shouldBe files
                }
            }
        }

        "opening what is damaged takes nothing" {
            leavingNothing { directory ->
                LogFixture(FileStore.of(directory)).writeLarge(5).close().flip(1, 10)
                repeat(VAIN_OPENS) {
                    shouldThrow<WalException> { Wal.open(directory) }
                    shouldThrow<WalException> { Wal.openReadOnly(directory) }
                }
            }
        }

        "opening takes nothing when any of its calls to the store fails" {
            leavingNothing { directory ->
                var nth = 0
                do {
                    directory.toFile().deleteRecursively()
                    LogFixture(FileStore.of(directory)).writeLarge(5).checkpoint(2).buffer("a").abandon()
                    nth++
                    var calls = 0
                    val store = WatchedStore(FileStore.of(directory))
                    store.before = { if (++calls == nth) throw mediumError() }
                    val opened = runCatching { Wal.open(store, SMALL_SEGMENTS) }
                    withClue("call $nth") {
                        if (opened.isFailure) Resources.filesIn(directory).shouldBeEmpty()
                    }
                    store.heal()
                    opened.getOrNull()?.close()
                } while (calls >= nth)
            }
        }

        "a log without space gives everything back" {
            leavingNothing { directory ->
                repeat(VAIN_OPENS) {
                    val store = WatchedStore(FileStore.of(directory))
                    store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
                    Wal.open(store, SMALL_BUFFERS).use { wal ->
                        shouldThrow<WalNoSpaceException> { wal.append(ByteArray(1)) }
                    }
                    Resources.filesIn(directory).shouldBeEmpty()
                }
            }
        }

        "a log that fails gives everything back" {
            leavingNothing { directory ->
                repeat(VAIN_OPENS) { round ->
                    val store = WatchedStore(FileStore.of(directory))
                    val wal = Wal.open(store, SMALL_BUFFERS)
                    store.fail(listOf("append", "sync")[round % 2], nth = 1 + round % 5, times = Int.MAX_VALUE)
                    shouldThrowAny {
                        while (true) wal.append(largeRecord(wal.lastLsn() + 1).toByteArray(), Durability.SYNCED)
                    }
                    runCatching { wal.close() }
                    Resources.filesIn(directory).shouldBeEmpty()
                }
            }
        }

        "a truncation that fails gives everything back" {
            leavingNothing { directory ->
                repeat(6) { round ->
                    directory.toFile().deleteRecursively()
                    val store = WatchedStore(FileStore.of(directory))
                    val log = LogFixture(store).write("a", "b")
                    store.fail(listOf("append", "sync")[round % 2], nth = 1 + round / 2, times = Int.MAX_VALUE)
                    runCatching { log.truncateAfter(1) }
                    runCatching { log.close() }
                    Resources.filesIn(directory).shouldBeEmpty()
                }
            }
        }

        "a reader has one file open at a time, and none when it is closed" {
            leavingNothing { directory ->
                val log = LogFixture(FileStore.of(directory)).writeLarge(40).sync()
                val wal = log.wal
                val files = { Resources.filesIn(directory).size }
                val own = files()
                repeat(100) { number ->
                    val cursors = listOf(wal.replay(1), wal.follow(1), wal.replay(20))
                    cursors.forEach { cursor -> repeat(number % 20) { cursor.next() } }
                    files() shouldBeLessThanOrEqualTo own + cursors.size
                    cursors.forEach(WalCursor::close)
                    Wal.openReadOnly(directory).use { it.records() }
                    wal.read(1 + number % 40L)
                }
                files() shouldBe own
                log.close()
            }
        }

        "3,000 segments are opened with one file at a time, and hardly read" {
            leavingNothing { directory ->
                val memory = MemoryStore(StoreCapabilities.DURABLE)
                Wal.open(memory, SMALL_SEGMENTS).use { wal ->
                    while (wal.segments().size < 3_000) {
                        wal.append(largeRecord(wal.lastLsn() + 1).toByteArray(), Durability.BUFFERED)
                    }
                }
                memory.copyTo(directory)
                var opened = 0
                val store = WatchedStore(FileStore.of(directory))
                store.before = {
                    if (it.startsWith("open") && ++opened % 50 == 0) Resources.filesIn(directory) shouldHaveAtMostSize 2
                }
                Wal.open(store, SMALL_SEGMENTS).use { wal ->
                    wal.segments().size shouldBe 3_000
                    opened shouldBeLessThanOrEqualTo 2 * 3_000 + 10
                    wal.recovery().scannedBytes() shouldBeLessThan SMALL_SEGMENTS.segmentBytes()
                    Resources.filesIn(directory) shouldHaveAtMostSize 3
                }
            }
        }
    })

/** Lends a directory, and looks what is still open afterwards. */
private fun leavingNothing(work: (Path) -> Unit) = inDirectory { directory ->
    work(directory)
    Resources.filesIn(directory).shouldBeEmpty()
    Resources.logThreads() shouldHaveAtMostSize ENDING_THREADS
}

/** Leaves the log as the end of its process does. */
private fun LogFixture.abandon() {
    store.before = { throw mediumError() }
    runCatching { wal.close() }
    store.heal()
}

private fun MemoryStore.copyTo(directory: Path) =
    segments().forEach { Files.write(directory.resolve("%020d.wal".format(it)), bytes(it)) }
