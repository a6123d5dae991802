package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeMonotonicallyIncreasing
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.int
import io.kotest.property.arbitrary.list
import io.kotest.property.checkAll
import java.time.Instant
import java.util.concurrent.atomic.AtomicLong

/** Records can have timestamps, which never go back. */
class ClockSpec :
    StringSpec({
        "a record has the time of its append, to the millisecond, over restarts" {
            val clock = Clock(1_700_000_000_123)
            val log = LogFixture(options = clock.options)
            log.write("a")
            clock.millis = 1_700_000_000_500
            log.writeBatch("b", "c")
            val expected = listOf(1_700_000_000_123, 1_700_000_000_500, 1_700_000_000_500)
            log.times() shouldBe expected
            log.wal.read(3).timestampMillis() shouldBe 1_700_000_000_500
            log.reopen().times() shouldBe expected
            log.reopen { it.withClock(WalOptions.NO_CLOCK) }.times() shouldBe expected
        }

        "without a clock there is no timestamp, and with one there is a tag too" {
            val log = LogFixture().write("a")
            log.reopen { it.withClock { Instant.ofEpochMilli(5) } }
            log.wal.tagged(3).append("b".toBuffer())
            log.times() shouldBe listOf(WalRecord.NO_TIME, 5L)
            log.wal.read(2).tag() shouldBe 3
        }

        "every way to append dates the record" {
            val clock = Clock(9)
            val log = LogFixture(options = clock.options)
            log.wal.appendAsync("a".toBuffer(), Durability.WRITTEN).lsn() shouldBe 1
            log.wal.tryAppend("b".toBuffer()) shouldBe 2
            log.wal.tryAppendBatch(listOf("c".toBuffer())) shouldBe 3
            log.wal.appendIf(4, "d".toByteArray())
            log.wal.beginWriting().append("e".toBuffer())
            log.write("x".repeat(5000), "y".repeat(20_000))
            log.times() shouldBe List(7) { 9L }
        }

        "a clock that goes back takes no timestamp with it, over restarts, a rotation and a recovery" {
            val clock = Clock(1000)
            val log = LogFixture(options = clock.options).write("a")
            clock.millis = 10
            log.write("b").sync().times() shouldBe listOf(1000L, 1000L)
            log.reopen().write("c").rotate().close().reopen().write("d").kill()
            log.reopen().write("e").times() shouldBe List(5) { 1000L }
            clock.millis = 1001
            log.write("f").times().last() shouldBe 1001
        }

        "records without a timestamp in between, whole segments of them, take no timestamp back" {
            val clock = Clock(1000)
            val log = LogFixture(options = clock.options).write("a")
            log.reopen { SMALL_SEGMENTS }.writeLarge(5)
            clock.millis = 10
            log.reopen { clock.options }.write("b").times() shouldBe
                listOf(1000L) + List(5) { WalRecord.NO_TIME } + 1000L
            log.wal.firstLsnSince(Instant.ofEpochMilli(11)) shouldBe 1
        }

        "damage before the last timestamp, or where there is none, does not matter to who opens the log" {
            val clock = Clock(1000)
            val log = LogFixture(options = clock.options).writeLarge(9).close()
            log.flipByteOf(largeRecord(6))
            clock.millis = 10
            log.reopen().writeLarge(1).wal.read(10).timestampMillis() shouldBe 1000
            val undated = LogFixture().writeLarge(9).close()
            undated.flipByteOf(largeRecord(2))
            undated.reopen { clock.options }.writeLarge(1).wal.read(10).timestampMillis() shouldBe 10
        }

        "a record longer than the limit, behind the one that is looked for, does not matter either" {
            val clock = Clock(1)
            val log = LogFixture(options = clock.options)
            repeat(20) {
                log.write(if (it == 12) "x".repeat(5000) else "a")
                clock.millis++
            }
            log.sync().reopen { it.withMaxRecordBytes(1000).withClock(WalOptions.NO_CLOCK) }
            for (millis in 1L..12L) log.wal.firstLsnSince(Instant.ofEpochMilli(millis)) shouldBe millis
        }

        "any time can be asked for" {
            val log = LogFixture(options = Clock(1000).options).write("a", "b")
            log.wal.firstLsnSince(Instant.MIN) shouldBe 1
            log.wal.firstLsnSince(Instant.EPOCH.minusMillis(1)) shouldBe 1
            log.wal.firstLsnSince(Instant.MAX) shouldBe 3
        }

        "a time before 1970 is none, and holds up no later one" {
            val clock = Clock(1000)
            val log = LogFixture(options = clock.options).write("a")
            clock.millis = -1
            log.write("b")
            clock.millis = 1001
            log.write("c").times() shouldBe listOf(1000, WalRecord.NO_TIME, 1001)
        }

        "a clock that throws fails the append, and nothing else" {
            var isBroken = false
            val log = LogFixture(
                options = SMALL_SEGMENTS.withClock {
                    check(!isBroken)
                    Instant.ofEpochMilli(3)
                },
            )
            log.write("a")
            isBroken = true
            shouldThrow<IllegalStateException> { log.write("b") }
            shouldThrow<IllegalStateException> { log.writeBatch("b", "b") }
            isBroken = false
            log.write("c").reopen().records() shouldBe listOf("a", "c")
        }

        "timestamps follow LSNs, however many threads append and whatever the clock says" {
            val wild = AtomicLong()
            val options = WalOptions.DEFAULT
                .withSegmentBytes(64 * 1024)
                .withClock { Instant.ofEpochMilli(wild.incrementAndGet() * 7919 % 5003) }
            val log = LogFixture(options = options)
            val appenders = List(4) { number ->
                running {
                    repeat(2000) { round ->
                        if (round % 5 == number) {
                            log.wal.appendBatch(listOf("a".toBuffer(), "b".toBuffer()), Durability.BUFFERED)
                        } else {
                            log.wal.append("a".toBuffer(), Durability.BUFFERED)
                        }
                    }
                }
            }
            appenders.forEach { it.result() }
            val times = log.times()
            times.shouldBeMonotonicallyIncreasing()
            times.toSet().size.toLong() shouldBeGreaterThan 1L
        }

        "the first record since a time is found, in any log" {
            checkAll(100, Arb.list(Arb.int(-1..3), 0..60)) { steps ->
                val clock = Clock(100)
                val log = LogFixture(options = clock.options)
                var isDated = true
                for (step in steps) {
                    val dates = step >= 0
                    if (dates != isDated) {
                        isDated = dates
                        log.reopen { if (dates) clock.options else SMALL_SEGMENTS }
                    }
                    clock.millis += maxOf(step, 0)
                    log.writeLarge(1)
                }
                val times = log.times()
                for (millis in 98..clock.millis + 2) {
                    val index = times.indexOfFirst { it >= millis }
                    val expected = if (index < 0) times.size + 1L else index + 1L
                    log.wal.firstLsnSince(Instant.ofEpochMilli(millis)) shouldBe expected
                }
            }
        }

        "damage behind the record that is looked for does not matter" {
            val clock = Clock(1)
            val log = LogFixture(options = clock.options)
            repeat(40) {
                log.writeLarge(1)
                clock.millis++
            }
            log.close()
            val segment = log.sequences()[8]
            log.store.replace(segment, log.store.bytes(segment).also { it[it.size / 2]++ })
            log.reopen()
            shouldThrow<WalCorruptedException> { log.records() }
            for (millis in 1L..16L) log.wal.firstLsnSince(Instant.ofEpochMilli(millis)) shouldBe millis
        }

        "a reader beside the owner finds by time what is durable" {
            val clock = Clock(1)
            val log = LogFixture(options = clock.options).write("a")
            clock.millis = 2
            log.write("b").close()
            Wal.openReadOnly(log.store, SMALL_SEGMENTS).use {
                it.firstLsnSince(Instant.ofEpochMilli(2)) shouldBe 2
                it.firstLsnSince(Instant.EPOCH) shouldBe 1
            }
        }

        "whether there is a clock does not change what fits" {
            val log = LogFixture(options = Clock(1).options.withBufferBytes(4096).withMaxRecordBytes(8192))
            log.write("x".repeat(8192))
            log.writeBatch("y".repeat(3000), "z".repeat(3000))
            log.reopen().records().map { it.length } shouldBe listOf(8192, 3000, 3000)
        }
    })

private class Clock(@Volatile var millis: Long) {
    val options: WalOptions = SMALL_SEGMENTS.withClock { Instant.ofEpochMilli(millis) }
}

private fun LogFixture.times(): List<Long> = wal.replay(0).use { cursor ->
    buildList { while (cursor.next()) add(cursor.timestampMillis()) }
}
