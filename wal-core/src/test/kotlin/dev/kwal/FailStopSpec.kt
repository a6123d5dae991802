package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.comparables.shouldBeGreaterThanOrEqualTo
import io.kotest.matchers.comparables.shouldBeLessThanOrEqualTo
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeSameInstanceAs
import java.io.IOException
import java.util.concurrent.CompletionException
import java.util.concurrent.CompletionStage

private val ROOMY: WalOptions = WalOptions.DEFAULT.withSegmentBytes(1 shl 20).withBufferBytes(1 shl 18)

private fun CompletionStage<Long>.failure(): Throwable =
    shouldThrow<CompletionException> { toCompletableFuture().join() }.cause!!

/** After a failed write or sync the log is failed for good, and everybody hears of it. */
class FailStopSpec :
    StringSpec({
        fun failed(call: String): LogFixture {
            val log = LogFixture(options = ROOMY).write("a").sync()
            log.store.fail(call)
            shouldThrow<WalFailedException> { log.write("b").sync() }
            return log
        }

        "a failed sync fails the call, with the original cause and the durable LSN" {
            val log = LogFixture(options = ROOMY).write("a").sync().write("b")
            val cause = mediumError()
            log.store.fail("sync") { cause }
            val failure = shouldThrow<WalFailedException> { log.sync() }
            failure.cause shouldBeSameInstanceAs cause
            failure.durableLsn() shouldBe 1
            failure.message shouldContain "reopen"
        }

        "after a failed sync no sync is tried again, and none succeeds" {
            val log = failed("sync")
            val calls = log.store.calls.size
            repeat(3) { shouldThrow<WalFailedException> { log.sync() } }
            log.store.calls.size shouldBe calls
            log.wal.durableLsn() shouldBe 1
        }

        "after a failure a sync of what is durable already fails, too" {
            shouldThrow<WalFailedException> { failed("sync").wal.sync(1) }
        }

        "after a failed write or sync nothing is written, synced, created or deleted any more" {
            for (call in listOf("append", "sync")) {
                val log = failed(call)
                val calls = log.store.calls.toList()
                runCatching { log.write("c") }
                runCatching { log.rotate() }
                runCatching { log.checkpoint(1) }
                runCatching { log.truncateAfter(0) }
                log.tick()
                runCatching { log.close() }
                withClue("after a failed $call") { log.store.calls.toList() shouldBe calls }
            }
        }

        "every later call that changes something gets the same cause" {
            val log = failed("sync")
            val cause = shouldThrow<WalFailedException> { log.sync() }.cause!!
            val calls = listOf<() -> Unit>(
                { log.write("c") },
                { log.buffer("c") },
                { log.writeBatch("c", "d") },
                { log.wal.tryAppend("c".toBuffer()) },
                { log.wal.appendAsync("c".toBuffer(), Durability.WRITTEN) },
                { log.wal.appendBatch(emptyList()) },
                { log.sync() },
                { log.rotate() },
                { log.checkpoint(1) },
                { log.truncateAfter(0) },
            )
            calls.forEach { call -> shouldThrow<WalFailedException> { call() }.cause shouldBeSameInstanceAs cause }
            log.wal.lastLsn() shouldBe 2
        }

        "all who wait for a flush hear that it failed, with the same cause" {
            val log = LogFixture(options = ROOMY).write("a")
            val gate = Gate()
            val cause = mediumError()
            log.store.fail("sync") {
                gate.pass()
                cause
            }
            val leader = running { log.sync() }
            gate.awaitSomebody()
            val others = List(10) { running { log.wal.appendAndSync("r$it".toByteArray()) } }
            awaitUntil { log.wal.lastLsn() == 11L }
            gate.open()
            (others + leader).forEach { waiter ->
                shouldThrow<WalFailedException> { waiter.result() }.cause shouldBeSameInstanceAs cause
            }
            log.store.syncCount shouldBe 0
        }

        "all who wait for a write hear that it failed" {
            val log = LogFixture(options = ROOMY).write("a")
            val gate = Gate()
            log.store.fail("append") {
                gate.pass()
                noSpace()
            }
            val leader = running { log.write("b") }
            gate.awaitSomebody()
            val others = List(10) { running { log.write("r$it") } }
            awaitUntil { log.wal.lastLsn() == 12L }
            gate.open()
            (others + leader).forEach { shouldThrow<WalFailedException> { it.result() } }
        }

        "all tickets that are not reached hear of the failure" {
            val log = LogFixture(options = ROOMY).write("a").sync()
            val tickets = listOf(Durability.WRITTEN, Durability.SYNCED).map { log.wal.appendAsync("b".toBuffer(), it) }
            log.store.fail("append")
            log.background.run()
            tickets.forEach { (it.reached.failure() as WalFailedException).durableLsn() shouldBe 1 }
        }

        "an error that is none of I/O fails the log like any other" {
            val log = LogFixture(options = ROOMY).write("a").sync()
            log.store.fail("sync") { OutOfMemoryError("direct buffer") }
            shouldThrow<WalFailedException> { log.write("b").sync() }.cause!!.message shouldBe "direct buffer"
            log.wal.state() shouldBe WalState.FAILED
        }

        "the state is told, and the log stays failed when the medium is well again" {
            val log = failed("sync")
            log.store.heal()
            log.wal.state() shouldBe WalState.FAILED
            shouldThrow<WalFailedException> { log.write("c") }
        }

        "readers go on up to the durable LSN, and no farther" {
            val log = failed("sync")
            log.records() shouldBe listOf("a")
            log.wal.read(1).text() shouldBe "a"
            shouldThrow<WalFailedException> { log.wal.read(2) }
        }

        "closing a failed log tells of the failure, and gives the store up" {
            val log = failed("append")
            shouldThrow<WalFailedException> { log.close() }
            log.store.heal()
            LogFixture(log.store).wal.read(1).text() shouldBe "a"
        }

        "closing a log that failed with nothing left to lose tells nothing new, once" {
            val log = failed("sync")
            runCatching { log.close() }
            log.close()
            log.wal.state() shouldBe WalState.CLOSED
        }

        "the cure is to reopen: what was acknowledged is there, and LSNs of acknowledged records are not given again" {
            val log = failed("sync")
            log.store.heal()
            log.reopen().records().take(1) shouldBe listOf("a")
            log.wal.append("next".toByteArray()) shouldBeGreaterThanOrEqualTo 2
        }

        "records whose sync failed are never taken as durable by a flush of the same file" {
            val log = failed("sync")
            log.store.heal()
            log.reopen().records() shouldBe listOf("a", "b")
            log.report.copiedRecords() shouldBe 1
            log.store.calls.last { it.startsWith("append") } shouldBe "append 2"
        }

        "whichever write fails, what was synced before comes back and the rest is a prefix" {
            for (nth in 1..12) {
                val log = LogFixture()
                log.store.fail("append", nth)
                var durable = 0L
                val error = runCatching {
                    for (lsn in 1L..12L) {
                        log.writeLarge(1)
                        if (lsn % 3 == 0L) durable = log.wal.sync()
                    }
                }.exceptionOrNull()
                log.store.heal()
                withClue("write $nth, $error") {
                    val back = log.reopen().records()
                    back shouldBe (1..back.size.toLong()).map(::largeRecord)
                    back.size.toLong() shouldBeGreaterThanOrEqualTo durable
                }
            }
        }

        "whichever call of a session fails, what was acknowledged comes back, in order, once" {
            val calls = runSession(LogFixture()).store.calls.size
            for (nth in 1..calls) {
                val log = LogFixture()
                log.store.fail("", nth)
                var acknowledged = Acknowledged()
                runCatching { runSession(log) { acknowledged = it } }
                log.store.heal()
                withClue("call $nth of $calls") {
                    log.reopen()
                    val records = log.records()
                    log.wal.lastLsn() shouldBeGreaterThanOrEqualTo acknowledged.durableLsn
                    log.wal.firstLsn() shouldBeLessThanOrEqualTo acknowledged.durableLsn + 1
                    records shouldBe (log.wal.firstLsn()..log.wal.lastLsn()).map(::largeRecord)
                }
            }
        }

        "whichever call of a recovery fails, the next open does it" {
            fun broken() = LogFixture().writeLarge(3).sync().writeLarge(2).cut(5).apply { kill() }
            val calls = broken().apply { store.calls.clear() }.reopen().store.calls.size
            val expected = broken().reopen().records()
            for (nth in 1..calls) {
                val log = broken()
                log.store.fail("", nth)
                val opened = runCatching { log.reopen() }
                log.store.heal()
                withClue("call $nth of $calls: ${opened.exceptionOrNull()}") {
                    log.reopen().records() shouldBe expected
                }
            }
        }

        "an I/O error while reading on open is passed on as it is, and is no damage" {
            val log = LogFixture().write("a").close()
            log.store.fail("open")
            shouldThrow<IOException> { log.reopen() }.message shouldBe "the medium failed"
            log.store.heal()
            log.reopen().records() shouldBe listOf("a")
        }
    })

private data class Acknowledged(val durableLsn: Long = 0)

/** Everything that changes a log, with large records that tell their LSN. */
private fun runSession(log: LogFixture, acknowledged: (Acknowledged) -> Unit = {}): LogFixture {
    fun synced() = acknowledged(Acknowledged(log.wal.sync()))
    log.writeLarge(3)
    synced()
    log.rotate().writeLarge(2)
    synced()
    log.checkpoint(3)
    log.writeBatch(largeRecord(6), largeRecord(7))
    synced()
    log.checkpoint(5)
    log.writeLarge(1)
    log.close()
    acknowledged(Acknowledged(8))
    return log
}
