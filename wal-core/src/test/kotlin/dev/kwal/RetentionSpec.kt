package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.longs.shouldBeInRange
import io.kotest.matchers.shouldBe
import java.time.Duration

private const val HOUR = 3_600_000L

private fun keeping(change: (Retention) -> Retention) = SMALL_SEGMENTS.withRetention(change(Retention.UNLIMITED))

private fun keepingBytes(bytes: Long) = keeping { it.withKeepBytes(bytes) }

private fun keepingAge() = keeping { it.withKeepAge(Duration.ofMillis(HOUR)) }

/** What a log drops by itself, by size and by age. */
class RetentionSpec :
    StringSpec({
        "a log that keeps so many bytes drops its oldest segments in the background" {
            val log = LogFixture(options = keepingBytes(4000))
            repeat(20) {
                log.writeLarge(2).background.run()
                log.wal.sizeBytes() shouldBeInRange 0L..4000L
            }
            log.sync()
            log.wal.sizeBytes() shouldBeInRange 3000L..4000L
            val kept = (log.wal.firstLsn()..40L).map(::largeRecord)
            log.records() shouldBe kept
            log.reopen().records() shouldBe kept
        }

        "the segment being written is never dropped" {
            val log = LogFixture(options = keepingBytes(1)).writeLarge(5)
            log.background.run()
            log.records() shouldBe listOf(largeRecord(5))
        }

        "what is too much already when it is opened is dropped then" {
            val log = LogFixture().writeLarge(10).sync().reopen { keepingBytes(3000) }
            log.background.run()
            log.wal.sizeBytes() shouldBeInRange 2000L..3000L
        }

        "a log drops segments that were sealed long enough ago" {
            val log = LogFixture(options = keepingAge()).writeLarge(3)
            log.background.run()
            log.clock += HOUR / 2
            log.writeLarge(2).background.run()
            log.clock += HOUR / 2 - 1
            log.tick()
            log.wal.firstLsn() shouldBe 1
            log.clock += 1
            log.tick()
            log.wal.firstLsn() shouldBe 3
            log.clock += HOUR / 2
            log.tick()
            log.wal.firstLsn() shouldBe 5
        }

        "a timer is set for the oldest segment, so that an idle log drops it, too" {
            val log = LogFixture(options = keepingAge()).writeLarge(3)
            log.background.run()
            repeat(5) { log.tick() }
            log.background.hasTimers shouldBe true
            log.clock += HOUR
            log.tick()
            log.wal.firstLsn() shouldBe 3
            repeat(5) { log.tick() }
            log.background.hasTimers shouldBe false
        }

        "when a segment was sealed is known after a restart" {
            val log = LogFixture(options = keepingAge()).writeLarge(3).sync()
            log.background.run()
            log.clock += HOUR - 1
            log.reopen().background.run()
            log.wal.firstLsn() shouldBe 1
            log.clock += 1
            log.tick()
            log.wal.firstLsn() shouldBe 3
        }

        "a segment of which that is not known counts from when it was looked at" {
            val log = LogFixture().writeLarge(3).sync()
            log.clock += 100 * HOUR
            log.reopen { keepingAge() }.background.run()
            log.wal.firstLsn() shouldBe 1
            log.clock += HOUR
            log.tick()
            log.wal.firstLsn() shouldBe 3
        }

        "while it cannot be noted when a segment was sealed, it is not old" {
            val log = LogFixture().writeLarge(3).sync()
            log.clock += 100 * HOUR
            log.reopen { keepingAge() }.store.fail("pins", times = Int.MAX_VALUE, why = ::noSpace)
            log.background.run()
            log.wal.firstLsn() shouldBe 1
        }

        "when segments were sealed stays noted while pins move and go" {
            val log = LogFixture(options = keepingAge()).writeLarge(3)
            log.background.run()
            log.clock += HOUR - 1
            log.wal.pin("mailer").advance(2)
            log.wal.pin("other").drop()
            log.tick()
            log.wal.firstLsn() shouldBe 1
            log.clock += 1
            log.tick()
            log.wal.firstLsn() shouldBe 3
        }

        "a clock that goes back drops nothing early" {
            val log = LogFixture(options = keepingAge()).writeLarge(3)
            log.background.run()
            val sealed = log.clock
            log.clock = 0
            log.writeLarge(2).background.run()
            log.clock = sealed + HOUR - 1
            log.tick()
            log.wal.firstLsn() shouldBe 1
            log.clock = sealed + HOUR
            log.tick()
            log.wal.firstLsn() shouldBe 5
        }

        "a clock that was ahead drops nothing early when it is right again" {
            val log = LogFixture(options = keepingAge()).writeLarge(3)
            log.background.run()
            log.clock += 1000 * HOUR
            val seen = log.clock
            log.writeLarge(0).rotate()
            log.background.run()
            log.clock = seen - 1000 * HOUR + HOUR - 1
            log.tick()
            log.sequences() shouldContain 2L
        }

        "pins hold against retention, and let go" {
            val log = LogFixture(options = keepingBytes(1500))
            val pin = log.wal.pin("mailer")
            log.writeLarge(10).background.run()
            log.wal.firstLsn() shouldBe 1
            pin.advance(4)
            log.wal.firstLsn() shouldBe 5
            pin.drop()
            log.wal.firstLsn() shouldBe 9
        }

        "with a quota the log drops by retention before it is full, without any help" {
            val full = ActiveSegment.fullBytes(1024)
            val log = LogFixture(options = keeping { it.withMaxBytes(3 * full).withKeepBytes(full) })
            log.writeLarge(100).wal.lastLsn() shouldBe 100
        }

        "a deletion that fails in the background is tried again" {
            val log = LogFixture(options = keepingBytes(1500)).writeLarge(4)
            log.store.fail("delete", times = Int.MAX_VALUE)
            log.background.run()
            log.sequences() shouldContain 1L
            shouldThrow<java.io.IOException> { log.checkpoint(0) }
            log.store.heal()
            log.writeLarge(1).background.run()
            log.sequences().filter { it < 3 } shouldBe emptyList()
        }

        "values out of range are refused" {
            shouldThrow<IllegalArgumentException> { Retention.UNLIMITED.withMaxBytes(0) }
            shouldThrow<IllegalArgumentException> { Retention.UNLIMITED.withKeepBytes(0) }
            shouldThrow<IllegalArgumentException> { Retention.UNLIMITED.withKeepAge(Duration.ZERO) }
        }
    })
