package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.inspectors.forAll
import io.kotest.matchers.longs.shouldBeInRange
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.time.Duration

/** A log counts what it does, and times it by a clock that the tests set. */
class MetricsSpec :
    StringSpec({
        "records and bytes are counted when they are appended, and a truncation takes none back" {
            val log = LogFixture().buffer("a", "b")
            val buffered = log.wal.metrics()
            buffered.appendedRecords() shouldBe 2
            buffered.bufferedBytes() shouldBe buffered.appendedBytes()
            log.write("c")
            val written = log.wal.metrics()
            written.appendedRecords() shouldBe 3
            written.appendedBytes() shouldBe log.wal.sizeBytes() - Format.HEADER_BYTES
            written.bufferedBytes() shouldBe 0
            log.truncateAfter(1).write("d")
            log.wal.metrics().appendedRecords() shouldBe 4
        }

        "records that were there before are not counted" {
            LogFixture().write("a", "b").reopen().write("c").wal.metrics().appendedRecords() shouldBe 1
        }

        "each write and each flush is counted with its records and its time" {
            val log = LogFixture().takes("append" to 10, "sync" to 100)
            log.write("a").buffer("b", "c").sync()
            val metrics = log.wal.metrics()
            metrics.writeNanos().counted() shouldBe "2 of 20, at most 10"
            metrics.recordsPerWrite().counted() shouldBe "2 of 3, at most 2"
            metrics.flushNanos().counted() shouldBe "1 of 100, at most 100"
            metrics.recordsPerFlush().counted() shouldBe "1 of 3, at most 3"
        }

        "what fails is not counted" {
            val log = LogFixture().write("a")
            log.store.fail("sync")
            shouldThrow<WalFailedException> { log.sync() }
            log.wal.metrics().flushNanos().count() shouldBe 0
            log.wal.metrics().recordsPerFlush().count() shouldBe 0
        }

        "an append that needs the next segment waits for room, and a rotation is counted" {
            val log = LogFixture().takes("create" to 50)
            log.writeLarge(3)
            val metrics = log.wal.metrics()
            metrics.roomWaitNanos().counted() shouldBe "2 of 100, at most 50"
            metrics.rotationNanos().counted() shouldBe "2 of 100, at most 50"
            log.write("small").wal.metrics().roomWaitNanos().count() shouldBe 2
        }

        "the oldest record that is not durable has its age from when it was written" {
            val log = LogFixture()
            log.wal.metrics().oldestUnsynced() shouldBe Duration.ZERO
            log.nanos = 1000
            log.write("a")
            log.nanos = 2000
            log.write("b")
            val gate = log.store.stopAt("sync")
            val syncing = running { log.sync() }
            gate.awaitSomebody()
            log.nanos = 6000
            log.write("c").write("d")
            log.nanos = 9000
            log.wal.metrics().oldestUnsynced() shouldBe Duration.ofNanos(8000)
            gate.open()
            syncing.result()
            log.wal.metrics().oldestUnsynced() shouldBe Duration.ofNanos(3000)
            log.sync().wal.metrics().oldestUnsynced() shouldBe Duration.ZERO
            log.write("e")
            log.nanos = 10_000
            log.wal.metrics().oldestUnsynced() shouldBe Duration.ofNanos(1000)
        }

        "the oldest record has its age while its write hangs" {
            val log = LogFixture().write("a").sync()
            val gate = log.store.stopAt("append")
            val writing = running { log.write("b") }
            gate.awaitSomebody()
            log.nanos = 500
            log.wal.metrics().oldestUnsynced() shouldBe Duration.ofNanos(500)
            gate.open()
            writing.result()
        }

        "who waits for another's flush is counted, with a limit or without, and so are tickets" {
            val log = LogFixture().write("a")
            val gate = log.store.stopAt("sync")
            val leader = running { log.sync() }
            gate.awaitSomebody()
            val follower = running { log.sync() }
            awaitUntil { log.wal.metrics().waiting() == 1 }
            val limited = running { log.wal.sync(Duration.ofSeconds(PATIENCE_SECONDS)) }
            awaitUntil { log.wal.metrics().waiting() == 2 }
            val ticket = log.wal.appendAsync("b".toBuffer(), Durability.SYNCED)
            log.wal.metrics().waiting() shouldBe 3
            gate.open()
            listOf(leader, follower, limited).forEach { it.result() }
            log.background.run()
            ticket.reached().toCompletableFuture().join() shouldBe 2
            log.wal.metrics().waiting() shouldBe 0
        }

        "opening has its time" {
            val log = LogFixture().write("a").takes("create" to 7)
            log.reopen().wal.metrics().recovery() shouldBe Duration.ofNanos(7)
        }

        "a value comes back from a histogram at most a quarter too large" {
            val values = listOf(0L, 1, 7, 8, 9, 15, 16, 1000, 123_456_789, 1L shl 40, (1L shl 62) + 1, Long.MAX_VALUE)
            values.forAll { value ->
                val tally = Tally()
                repeat(2) { tally.add(value) }
                tally.add(Long.MAX_VALUE)
                tally.snapshot().percentile(50.0) - value shouldBeInRange 0..value / 4
            }
        }

        "percentiles are told over all values" {
            val tally = Tally()
            tally.snapshot().percentile(99.0) shouldBe 0
            (1L..100).forEach { tally.add(it) }
            val histogram = tally.snapshot()
            histogram.percentile(0.0) shouldBe 1
            histogram.percentile(5.0) shouldBe 5
            histogram.percentile(50.0) shouldBe 55
            histogram.percentile(100.0) shouldBe 100
            histogram.mean() shouldBe 50.5
            shouldThrow<IllegalArgumentException> { histogram.percentile(101.0) }.message shouldContain "101"
        }

        "a snapshot stays as it is" {
            val log = LogFixture().takes("append" to 100).write("a")
            val before = log.wal.metrics().writeNanos()
            log.takes().write("b")
            before.percentile(50.0) shouldBe 100
            log.wal.metrics().writeNanos().percentile(50.0) shouldBe 0
        }
    })

/** Calls of the store whose names begin so take so many nanoseconds. */
private fun LogFixture.takes(vararg times: Pair<String, Long>) = apply {
    store.before = { call -> times.forEach { (name, nanos) -> if (call.startsWith(name)) this.nanos += nanos } }
}

private fun WalHistogram.counted() = "${count()} of ${sum()}, at most ${max()}"
