package dev.kwal

import dev.kwal.WalPin.Overflow
import dev.kwal.storage.FileStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.longs.shouldBeInRange
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain

private val FULL = ActiveSegment.fullBytes(SMALL_SEGMENTS.segmentBytes())

private fun quota(segments: Int) = SMALL_SEGMENTS.withRetention(Retention.UNLIMITED.withMaxBytes(segments * FULL))

/** A log with a quota is full when it is reached, says so, and goes on by itself when something was dropped. */
class QuotaSpec :
    StringSpec({
        /** A log that takes no more large record. */
        fun full(segments: Int = 3) = LogFixture(options = quota(segments)).apply {
            shouldThrow<WalNoSpaceException> { writeLarge(1000) }
            sync()
        }

        "a log never has more than its quota, and takes all that fits" {
            for (segments in 2..9) {
                val log = full(segments)
                log.wal.sizeBytes() shouldBeInRange (segments - 1) * FULL + 1..segments * FULL
                log.records() shouldBe (1..log.wal.lastLsn()).map(::largeRecord)
            }
        }

        "the append that finds it full takes no LSN, and the log is alive" {
            val log = full()
            log.wal.state() shouldBe WalState.NO_SPACE
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }.message shouldContain
                "would exceed its quota of ${3 * FULL}"
            log.wal.lastLsn() shouldBe 6
            log.write("small").sync().records().last() shouldBe "small"
        }

        "a batch, a ticket and a caller with a time limit are told the same" {
            val log = full()
            val record = largeRecord(7)
            val limit = java.time.Duration.ofDays(1)
            shouldThrow<WalNoSpaceException> { log.writeBatch(record) }
            shouldThrow<WalNoSpaceException> { log.wal.appendAsync(record.toBuffer(), Durability.BUFFERED) }
            val timed = Wal.open(dev.kwal.storage.MemoryStore(), quota(2).withDefaultLevel(Durability.BUFFERED))
            timed.use {
                shouldThrow<WalNoSpaceException> {
                    repeat(1000) { timed.append(record.toBuffer(), Durability.BUFFERED, limit) }
                }
            }
        }

        "it heals when a checkpoint has freed space, with the next append or in the background" {
            val log = full()
            log.background.run()
            log.wal.state() shouldBe WalState.NO_SPACE
            log.checkpoint(4)
            log.background.run()
            log.wal.state() shouldBe WalState.OPEN
            log.writeLarge(1).wal.lastLsn() shouldBe 7
            val other = full()
            other.checkpoint(4).writeLarge(1).wal.lastLsn() shouldBe 7
        }

        "the checkpoint that frees space fits under the quota, again and again" {
            val log = full()
            repeat(50) {
                log.checkpoint(log.wal.lastLsn())
                log.wal.sizeBytes() shouldBeLessThanOrEqual 3 * FULL
                shouldThrow<WalNoSpaceException> { log.writeLarge(1000) }
                log.wal.sizeBytes() shouldBeLessThanOrEqual 3 * FULL
            }
        }

        "a checkpoint in small steps fits, too" {
            val log = full()
            for (lsn in 1L..6L) {
                log.checkpoint(lsn)
                log.wal.sizeBytes() shouldBeLessThanOrEqual 3 * FULL
            }
            log.wal.firstLsn() shouldBe 7
            log.writeLarge(1).wal.lastLsn() shouldBe 7
        }

        "a full log opens, reads, drops, truncates and closes, and is full still" {
            val log = full().reopen()
            shouldThrow<WalNoSpaceException> { log.writeLarge(2) }
            log.close().reopen()
            shouldThrow<WalNoSpaceException> { log.writeLarge(2) }
            log.records().take(6) shouldBe (1L..6L).map(::largeRecord)
            log.truncateAfter(3)
            log.checkpoint(2).records() shouldBe listOf(largeRecord(3))
            log.writeLarge(2).wal.lastLsn() shouldBe 5
        }

        "a log that is larger than a new quota opens, and takes records when enough is dropped" {
            val log = LogFixture().writeLarge(10).sync().close().reopen { quota(2) }
            shouldThrow<WalNoSpaceException> { log.writeLarge(3) }
            log.checkpoint(6)
            shouldThrow<WalNoSpaceException> { log.writeLarge(3) }
            log.checkpoint(log.wal.lastLsn()).writeLarge(1)
        }

        "a batch that is longer than what is left is refused, also in an empty segment" {
            Wal.open(FileStore.of(tempdir().toPath()), quota(3)).use { log ->
                log.append(largeRecord(1).toByteArray())
                log.rotate()
                val batch = List(12) { largeRecord(it + 2L).toBuffer() }
                shouldThrow<WalNoSpaceException> { log.appendBatch(batch) }
                log.appendBatch(batch.take(6)) shouldBe 7
                log.sizeBytes() shouldBeLessThanOrEqual 3 * FULL
            }
        }

        "a rotation by hand is refused when it would exceed the quota" {
            val log = full().write("small")
            shouldThrow<WalNoSpaceException> { log.rotate() }
            log.checkpoint(4).rotate()
            log.records().last() shouldBe "small"
        }

        "a segment that is prepared ahead counts before it is used" {
            val log = LogFixture(options = quota(2)).writeLarge(2)
            log.background.run()
            log.writeLarge(2).background.run()
            log.wal.state() shouldBe WalState.NO_SPACE
            log.sequences() shouldBe listOf(1L, 2L)
        }

        "a pin that stays makes the log full, is named, and lets it go on when it advances" {
            val log = full()
            val pin = log.wal.pin("mailer")
            log.checkpoint(6)
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }.message shouldContain
                "the pin mailer holds what is behind LSN 0"
            pin.advance(2)
            log.writeLarge(1).wal.lastLsn() shouldBe 7
        }

        "a pin that may be dropped is, when the log is full, durably, and the append goes on" {
            val log = full()
            val pin = log.wal.pin("mailer", Overflow.DROP)
            log.checkpoint(6)
            log.wal.firstLsn() shouldBe 1
            log.writeLarge(1).wal.lastLsn() shouldBe 7
            pin.isDropped shouldBe true
            log.reopen().wal.pins() shouldBe emptyList()
        }

        "no more pins are dropped than it takes, those furthest behind first" {
            val log = full()
            val pins = listOf("a", "b", "c", "d").map { log.wal.pin(it, Overflow.DROP) }
            pins[2].advance(2)
            pins[3].advance(4)
            log.checkpoint(6)
            log.writeLarge(1)
            pins.map { it.isDropped } shouldBe listOf(true, true, false, false)
        }

        "no pin is dropped in vain: not behind one that stays" {
            val log = full()
            val pin = log.wal.pin("may go", Overflow.DROP)
            log.wal.pin("stays")
            log.checkpoint(6)
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }
            pin.isDropped shouldBe false
        }

        "no pin is dropped in vain: not for what nobody asked to drop" {
            val log = full()
            val pin = log.wal.pin("may go", Overflow.DROP)
            log.checkpoint(1)
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }
            pin.isDropped shouldBe false
        }

        "one who only tries to append gets room in the background" {
            val log = full()
            log.wal.pin("mailer", Overflow.DROP)
            log.checkpoint(6)
            log.wal.tryAppend(largeRecord(7).toBuffer()) shouldBe Wal.NO_ROOM
            log.tick()
            log.wal.tryAppend(largeRecord(7).toBuffer()) shouldBe 7
        }

        "a quota below two segments is refused, and the store is free" {
            val log = LogFixture().write("a").sync().close()
            shouldThrow<IllegalArgumentException> {
                log.reopen { it.withRetention(Retention.UNLIMITED.withMaxBytes(2 * FULL - 1)) }
            }.message shouldContain "maxBytes is ${2 * FULL - 1}"
            log.options = SMALL_SEGMENTS
            log.reopen().records() shouldBe listOf("a")
        }
    })
