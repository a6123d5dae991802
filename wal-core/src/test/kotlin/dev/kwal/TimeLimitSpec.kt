package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.time.Duration

private val ROOMY: WalOptions = WalOptions.DEFAULT.withSegmentBytes(1 shl 20).withBufferBytes(4096)

/** When the time of a call runs out, the caller is told and the log goes on. The background is the test's. */
class TimeLimitSpec :
    StringSpec({
        "a sync whose time runs out leaves the log alive and the commit going on" {
            val log = LogFixture(options = ROOMY).write("a")
            val timeout = shouldThrow<WalTimeoutException> { log.wal.sync(Duration.ZERO) }
            timeout.lsn() shouldBe 0
            timeout.message shouldBe "not done within PT0S; the commit goes on"
            log.wal.durableLsn() shouldBe 0
            log.background.run()
            log.wal.durableLsn() shouldBe 1
            log.write("b").sync().records() shouldBe listOf("a", "b")
        }

        "a sync of what is durable already needs no time" {
            LogFixture(options = ROOMY).write("a").sync().wal.sync(Duration.ZERO) shouldBe 1
        }

        "an append whose time runs out behind its acceptance tells the LSN, and the record stays" {
            val log = LogFixture(options = ROOMY).write("a")
            val timeout = shouldThrow<WalTimeoutException> {
                log.wal.appendAndSync("b".toBuffer(), Duration.ZERO)
            }
            timeout.lsn() shouldBe 2
            timeout.message shouldContain "LSN 2 is accepted"
            log.background.run()
            log.wal.durableLsn() shouldBe 2
            log.records() shouldBe listOf("a", "b")
        }

        "an append whose time runs out before its acceptance appended nothing" {
            val log = LogFixture(options = ROOMY).write("a")
            val gate = log.store.stopAt("append")
            val write = running { log.write("b") }
            gate.awaitSomebody()
            while (log.wal.tryAppend(ByteArray(1000).let(java.nio.ByteBuffer::wrap)) != Wal.NO_ROOM) Unit
            val last = log.wal.lastLsn()
            val timeout = shouldThrow<WalTimeoutException> {
                log.wal.append(ByteArray(1000).let(java.nio.ByteBuffer::wrap), Durability.BUFFERED, Duration.ZERO)
            }
            timeout.lsn() shouldBe 0
            timeout.message shouldContain "nothing was appended"
            log.wal.lastLsn() shouldBe last
            gate.open()
            write.result()
            log.background.run()
            log.wal.lastLsn() shouldBe last
        }

        "a batch whose time runs out tells the LSN of its last record" {
            val log = LogFixture(options = ROOMY).write("a")
            shouldThrow<WalTimeoutException> {
                log.wal.appendBatch(listOf("b", "c").map { it.toBuffer() }, Durability.SYNCED, Duration.ZERO)
            }.lsn() shouldBe 3
        }

        "a buffered append with room needs no time" {
            val log = LogFixture(options = ROOMY).write("a")
            log.wal.append("b".toBuffer(), Durability.BUFFERED, Duration.ZERO) shouldBe 2
        }

        "a negative time is refused with its value, and nothing is appended" {
            val wal = LogFixture(options = ROOMY).wal
            val calls = listOf<() -> Unit>(
                { wal.sync(Duration.ofSeconds(-1)) },
                { wal.appendAndSync("a".toBuffer(), Duration.ofSeconds(-1)) },
                { wal.commit(0, Durability.WRITTEN, Duration.ofSeconds(-1)) },
                { wal.appendAsync("a".toBuffer(), Durability.WRITTEN, Duration.ofSeconds(-1)) },
                { wal.appendBatchAsync(listOf("a".toBuffer()), Durability.WRITTEN, Duration.ofSeconds(-1)) },
                { wal.rotate(Duration.ofSeconds(-1)) },
                { wal.checkpoint(0, Duration.ofSeconds(-1)) },
                { wal.truncateAfter(0, Duration.ofSeconds(-1)) },
                { wal.close(Duration.ofSeconds(-1)) },
            )
            calls.forEach { shouldThrow<IllegalArgumentException> { it() }.message shouldContain "PT-1S" }
            wal.lastLsn() shouldBe 0
        }

        "a call with time enough does what it does without a limit" {
            inTime { log ->
                log.appendAndSync("a".toBuffer(), Duration.ofDays(1)) shouldBe 1
                log.append("b".toBuffer(), Durability.WRITTEN, Duration.ofDays(1)) shouldBe 2
                log.sync(Duration.ofDays(1_000_000)) shouldBe 2
                log.commit(2, Durability.WRITTEN, Duration.ofDays(1)) shouldBe 2
                log.durableLsn() shouldBe 2
                log.appendAsync("c".toBuffer(), Durability.SYNCED, Duration.ofDays(1)).lsn() shouldBe 3
                log.appendBatchAsync(listOf("d".toBuffer()), Durability.SYNCED, Duration.ofDays(1)).lsn() shouldBe 4
                log.rotate(Duration.ofDays(1))
                log.segments().size shouldBe 2
                log.checkpoint(3, Duration.ofDays(1)) shouldBe 0
                log.firstLsn() shouldBe 4
                log.truncateAfter(3, Duration.ofDays(1))
                log.lastLsn() shouldBe 3
                repeat(2) { log.close(Duration.ofDays(1)) }
                log.state() shouldBe WalState.CLOSED
            }
        }

        "work on segments whose time runs out is done all the same" {
            val log = LogFixture(options = ROOMY).write("a", "b")
            val calls = listOf<() -> Unit>(
                { log.wal.rotate(Duration.ZERO) },
                { log.wal.truncateAfter(1, Duration.ZERO) },
                { log.wal.checkpoint(1, Duration.ZERO) },
            )
            calls.forEach {
                shouldThrow<WalTimeoutException> { it() }.message shouldContain "goes on in the background"
            }
            log.wal.lastLsn() shouldBe 2
            log.background.run()
            log.wal.lastLsn() shouldBe 1
            log.wal.firstLsn() shouldBe 2
        }

        "closing whose time runs out accepts nothing any more, and goes on" {
            val log = LogFixture(options = ROOMY).write("a")
            shouldThrow<WalTimeoutException> { log.wal.close(Duration.ZERO) }
            log.wal.state() shouldBe WalState.CLOSED
            shouldThrow<WalClosedException> { log.write("b") }
            shouldThrow<WalTimeoutException> { log.wal.close(Duration.ZERO) }
            log.background.run()
            log.wal.close(Duration.ZERO)
            log.reopen().report.end shouldBe RecoveryReport.End.CLEAN
            log.records() shouldBe listOf("a")
        }

        "timed-out calls on a medium that hangs keep nobody from what is still possible" {
            val store = WatchedStore()
            val gate = Gate()
            inTime(store, ROOMY.withFlushInterval(Duration.ofMillis(1))) { log ->
                log.appendAndSync("begins the segment".toByteArray())
                store.before = { if (it.startsWith("sync")) gate.pass() }
                try {
                    log.append("a".toByteArray())
                    repeat(Background.MAX_CALLS + 10) {
                        shouldThrow<WalTimeoutException> { log.sync(Duration.ofNanos(1)) }
                    }
                    gate.awaitSomebody()
                    log.append("b".toBuffer(), Durability.WRITTEN, Duration.ofDays(1)) shouldBe 3
                    log.appendAsync("c".toBuffer(), Durability.WRITTEN).reached().toCompletableFuture().get() shouldBe 4
                    log.append("d".toByteArray(), Durability.BUFFERED) shouldBe 5
                    awaitUntil { log.writtenLsn() == 5L }
                    shouldThrow<WalTimeoutException> { log.close(Duration.ofMillis(1)) }
                    shouldThrow<WalClosedException> { log.append("e".toByteArray()) }
                } finally {
                    gate.open()
                }
                log.close()
                log.durableLsn() shouldBe 5
            }
        }

        "an asynchronous append whose time runs out while it waits for room appended nothing" {
            val log = LogFixture().writeLarge(2)
            shouldThrow<WalTimeoutException> {
                log.wal.appendAsync(largeRecord(3).toBuffer(), Durability.SYNCED, Duration.ZERO)
            }.lsn() shouldBe 0
            log.wal.lastLsn() shouldBe 2
        }

        "a failure comes through a limited call as it is" {
            val store = WatchedStore()
            inTime(store) { log ->
                store.fail("sync")
                shouldThrow<WalFailedException> { log.appendAndSync("a".toBuffer(), Duration.ofDays(1)) }
                    .cause!!.message shouldBe "the medium failed"
            }
        }

        "no space comes through a limited call as it is" {
            val store = WatchedStore()
            store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            inTime(store) { log ->
                shouldThrow<WalNoSpaceException> { log.append("a".toBuffer(), Durability.WRITTEN, Duration.ofDays(1)) }
            }
        }

        "limited calls after close are refused" {
            val wal = LogFixture(options = ROOMY).write("a").close().wal
            shouldThrow<WalClosedException> { wal.appendAndSync("b".toBuffer(), Duration.ofDays(1)) }
        }

        "a thread whose time ran out does not hold up the others" {
            val log = LogFixture(options = ROOMY).write("a")
            val gate = log.store.stopAt("sync")
            val leader = running { log.sync() }
            gate.awaitSomebody()
            shouldThrow<WalTimeoutException> { log.wal.sync(Duration.ZERO) }
            val other = running { log.wal.appendAndSync("b".toByteArray()) }
            gate.open()
            leader.result()
            withClue("durable ${log.wal.durableLsn()}") { other.result() shouldBe 2 }
        }
    })

/** A log with real background threads, which have all the time there is. */
private fun inTime(store: WatchedStore = WatchedStore(), options: WalOptions = ROOMY, work: (Wal) -> Unit) {
    val wal = Wal.open(store, options)
    try {
        work(wal)
    } finally {
        store.heal()
        runCatching { wal.close() }
    }
}
