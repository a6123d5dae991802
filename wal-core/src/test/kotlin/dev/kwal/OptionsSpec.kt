package dev.kwal

import dev.kwal.storage.FileStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.time.Duration

/** Which options are refused, and that none of them is part of a log. */
class OptionsSpec :
    StringSpec({
        fun shouldRefuse(message: String, change: WalOptions.() -> WalOptions) = withClue(message) {
            shouldThrow<IllegalArgumentException> { WalOptions.DEFAULT.change() }.message shouldContain message
        }

        "a value out of range is refused with its name, itself and the range" {
            shouldRefuse("segmentBytes is 1023, expected 1024 to 1099511627776") { withSegmentBytes(1023) }
            shouldRefuse("segmentBytes is 1099511627777") { withSegmentBytes((1L shl 40) + 1) }
            shouldRefuse("maxRecordBytes is 0, expected 1 to 1073741824") { withMaxRecordBytes(0) }
            shouldRefuse("maxRecordBytes is 1073741825") { withMaxRecordBytes((1 shl 30) + 1) }
            shouldRefuse("maxBatchBytes is 0") { withMaxBatchBytes(0) }
            shouldRefuse("maxBatchBytes is 1073741825") { withMaxBatchBytes((1 shl 30) + 1) }
            shouldRefuse("bufferBytes is 4095, expected 4096 to 1073741824") { withBufferBytes(4095) }
            shouldRefuse("bufferBytes is 1073741825") { withBufferBytes((1 shl 30) + 1) }
            shouldRefuse("flushBytes is 0") { withFlushBytes(0) }
            shouldRefuse("flushRecords is -1") { withFlushRecords(-1) }
            shouldRefuse("expectAtLeast is -1") { withExpectAtLeast(-1) }
            shouldRefuse("flushInterval is PT0S, expected 1 ms to 1 hour") { withFlushInterval(Duration.ZERO) }
            shouldRefuse("flushInterval is PT2H") { withFlushInterval(Duration.ofHours(2)) }
            shouldRefuse("segmentAge is PT0S, expected more than zero") { withSegmentAge(Duration.ZERO) }
            shouldRefuse("segmentAge is PT-1S") { withSegmentAge(Duration.ofSeconds(-1)) }
            shouldRefuse("lingerDelay is PT-1S, expected zero to 1 hour") { withLinger(Duration.ofSeconds(-1), 1) }
            shouldRefuse("lingerDelay is PT2H") { withLinger(Duration.ofHours(2), 1) }
            shouldRefuse("lingerSiblings is 0") { withLinger(Duration.ZERO, 0) }
        }

        "the ends of every range are accepted, and each with method changes its own value alone" {
            val options = WalOptions.DEFAULT
                .withSegmentBytes(1 shl 10)
                .withMaxRecordBytes(1)
                .withMaxBatchBytes(1 shl 30)
                .withBufferBytes(4 shl 10)
                .withDefaultLevel(Durability.BUFFERED)
                .withFlushInterval(Duration.ofHours(1))
                .withFlushBytes(1)
                .withFlushRecords(Int.MAX_VALUE)
                .withSegmentAge(Duration.ofNanos(1))
                .withLinger(Duration.ofHours(1), Int.MAX_VALUE)
                .withExpectAtLeast(Long.MAX_VALUE)
                .withVerifyOnOpen(true)
                .withCompletionExecutor(Runnable::run)
            listOf(options.segmentBytes(), options.maxRecordBytes().toLong(), options.maxBatchBytes().toLong()) shouldBe
                listOf(1024L, 1L, 1L shl 30)
            listOf(options.bufferBytes(), options.flushBytes(), options.flushRecords()) shouldBe
                listOf(4096, 1, Int.MAX_VALUE)
            listOf(options.defaultLevel(), options.flushInterval(), options.segmentAge()) shouldBe
                listOf(Durability.BUFFERED, Duration.ofHours(1), Duration.ofNanos(1))
            options.lingerDelay() to options.lingerSiblings() shouldBe (Duration.ofHours(1) to Int.MAX_VALUE)
            options.expectAtLeast() to options.verifyOnOpen() shouldBe (Long.MAX_VALUE to true)
        }

        "plain appends have the level of the options" {
            val levels = Durability.entries.associateWith { level ->
                val log = LogFixture(options = SMALL_SEGMENTS.withDefaultLevel(level)).write("a")
                log.wal.writtenLsn() to log.wal.durableLsn()
            }
            levels shouldBe mapOf(
                Durability.BUFFERED to (0L to 0L),
                Durability.WRITTEN to (1L to 0L),
                Durability.SYNCED to (1L to 1L),
            )
        }

        "a log opens with any other segment size, and goes on" {
            for (size in listOf(1024L, 4096L, 1L shl 20)) {
                val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(2048)).writeLarge(40).sync()
                log.reopen { it.withSegmentBytes(size) }.writeLarge(5).sync().reopen()
                withClue("segments of $size bytes") { log.records() shouldBe (1L..45L).map(::largeRecord) }
            }
        }

        "a smaller record limit refuses a log whose tail has a longer record, and changes nothing" {
            val log = LogFixture().write("a", "x".repeat(20_000)).close()
            log.kill()
            val before = log.image()
            val refusal = shouldThrow<WalFormatException> { log.reopen { it.withMaxRecordBytes(100) } }
            refusal.message shouldContain "record 2 at byte"
            refusal.message shouldContain "20000 bytes, more than maxRecordBytes"
            log.image() shouldBe before
            log.reopen { it.withMaxRecordBytes(20_000) }.records().size shouldBe 2
        }

        "a smaller record limit reads what is shorter, and refuses what is longer in a replay" {
            val log = LogFixture().write("a").rotate().write("x".repeat(20_000)).rotate().write("c").close()
            log.reopen { it.withMaxRecordBytes(100) }
            log.wal.read(3).text() shouldBe "c"
            shouldThrow<WalFormatException> { log.wal.read(2) }.segment() shouldBe 2
        }

        "the same records make the same stream, whatever the buffer, the levels and the segments are" {
            val records = List(200) { "record $it ".repeat(it % 7) }
            val variants = listOf(
                SMALL_SEGMENTS,
                SMALL_SEGMENTS.withSegmentBytes(1 shl 20),
                SMALL_SEGMENTS.withBufferBytes(4096).withFlushRecords(1),
                SMALL_SEGMENTS.withDefaultLevel(Durability.BUFFERED),
                SMALL_SEGMENTS.withDefaultLevel(Durability.SYNCED).withSegmentBytes(5000),
            )
            for (options in variants) {
                val log = LogFixture(options = options).write(*records.toTypedArray()).close().reopen()
                withClue("$options") { log.records() shouldBe records }
            }
        }

        "what is expected and there is no hindrance" {
            LogFixture().write("a", "b").sync().reopen { it.withExpectAtLeast(2) }.records().size shouldBe 2
        }

        "what is expected and missing is corruption, with both numbers, and nothing changes" {
            val log = LogFixture().write("a", "b").cut(3)
            log.kill()
            val before = log.image()
            shouldThrow<WalCorruptedException> { log.reopen { it.withExpectAtLeast(2) } }.message shouldContain
                "the log ends at LSN 1, expected at least 2"
            log.image() shouldBe before
        }

        "an expectation of a log that is not there at all is refused" {
            val error = shouldThrow<WalCorruptedException> {
                LogFixture(options = SMALL_SEGMENTS.withExpectAtLeast(7))
            }
            error.message shouldContain "ends at LSN 0, expected at least 7"
        }

        "full verification passes over a sound log, and says how much it read" {
            val log = LogFixture().writeLarge(20).close()
            val quick = log.reopen().report.scannedBytes()
            log.close().reopen { it.withVerifyOnOpen(true) }
            (log.report.scannedBytes() > quick * 3) shouldBe true
        }

        "a store that cannot go on in a segment begins another with each open" {
            val store = MemoryStore(StoreCapabilities(true, true, false))
            val log = LogFixture(store).write("a").close().reopen().write("b").close().reopen()
            log.records() shouldBe listOf("a", "b")
            log.wal.segments().size shouldBe 2
        }

        "preparing space changes no record, and zeros behind a kill are not read" {
            for (prepares in listOf(true, false)) {
                inDirectory { directory ->
                    val log = LogFixture(FileStore.of(directory).withPreallocation(prepares))
                    log.writeLarge(3).sync().write("unsynced").reopen().write("next").sync().reopen()
                    withClue("prepares: $prepares") {
                        log.records() shouldBe (1L..3L).map(::largeRecord) + listOf("unsynced", "next")
                        log.report.end() shouldBe RecoveryReport.End.UNCLOSED
                    }
                    log.close()
                }
            }
        }

        "space that was prepared and not used is given back on close" {
            inDirectory { directory ->
                val log = LogFixture(FileStore.of(directory), WalOptions.DEFAULT).write("a").close()
                (log.store.bytes(1).size < 1000) shouldBe true
            }
        }
    })
