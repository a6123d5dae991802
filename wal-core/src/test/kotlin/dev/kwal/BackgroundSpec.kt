package dev.kwal

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.booleans.shouldBeFalse
import io.kotest.matchers.booleans.shouldBeTrue
import io.kotest.matchers.shouldBe
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException

private val ROOMY: WalOptions = WalOptions.DEFAULT.withSegmentBytes(1 shl 20).withBufferBytes(1 shl 18)

/** What happens in the background, and when. */
class BackgroundSpec :
    StringSpec({
        "buffered records reach the store with the next tick" {
            val log = LogFixture(options = ROOMY).buffer("a", "b")
            log.wal.writtenLsn() shouldBe 0
            log.tick()
            log.wal.writtenLsn() shouldBe 2
        }

        "the tick writes and does not sync" {
            LogFixture(options = ROOMY).buffer("a").tick().store.syncCount shouldBe 0
        }

        "buffered records are lost with the process, and survive it once they are written" {
            LogFixture(options = ROOMY).buffer("a").reopen().records() shouldBe emptyList()
            LogFixture(options = ROOMY).buffer("a").tick().reopen().records() shouldBe listOf("a")
        }

        "so many buffered bytes are written without waiting for the tick" {
            val log = LogFixture(options = ROOMY.withFlushBytes(200)).buffer("a")
            log.background.run()
            log.wal.writtenLsn() shouldBe 0
            log.buffer("x".repeat(200)).background.run()
            log.wal.writtenLsn() shouldBe 2
        }

        "so many buffered records are written without waiting for the tick" {
            val log = LogFixture(options = ROOMY.withFlushRecords(3)).buffer("a", "b")
            log.background.run()
            log.wal.writtenLsn() shouldBe 0
            log.buffer("c").background.run()
            log.wal.writtenLsn() shouldBe 3
        }

        "what becomes due while a write is under way is written after it, without waiting for the tick" {
            val log = LogFixture(options = ROOMY.withFlushRecords(3)).write("begins the segment")
            var isFirst = true
            log.store.before = { call ->
                if (call.startsWith("append") && isFirst) {
                    isFirst = false
                    log.buffer("d", "e", "f", "g")
                }
            }
            log.buffer("a", "b", "c").background.run()
            log.wal.writtenLsn() shouldBe 8
        }

        "the writer's threads write nothing of what is only buffered" {
            val log = LogFixture(options = ROOMY.withFlushRecords(1)).buffer("a", "b", "c")
            log.store.calls.count { it.startsWith("append") } shouldBe 0
        }

        "an idle log notes what is durable, once" {
            val log = LogFixture(options = ROOMY).write("a").sync().tick()
            log.frames().last().kind shouldBe Format.RECORD
            log.tick()
            log.frames().last().kind shouldBe Format.MARK
            val calls = log.store.calls.size
            repeat(3) { log.tick() }
            log.store.calls.size shouldBe calls
        }

        "an idle log with records that are not durable notes nothing" {
            val log = LogFixture(options = ROOMY).write("a")
            repeat(3) { log.tick() }
            log.frames().last().kind shouldBe Format.RECORD
        }

        "what is noted is proof: the next open copies nothing" {
            LogFixture(options = ROOMY).write("a").sync().tick().tick().reopen().report.copiedRecords() shouldBe 0
        }

        "records go on behind an idle mark" {
            val log = LogFixture(options = ROOMY).write("a").sync().tick().tick().write("b").sync()
            log.reopen().records() shouldBe listOf("a", "b")
        }

        "nothing is scheduled while the log is idle" {
            val log = LogFixture(options = ROOMY).write("a").sync()
            repeat(3) { log.tick() }
            log.background.hasTimers.shouldBeFalse()
        }

        "a ticket completes when its level is reached, with its LSN" {
            val log = LogFixture(options = ROOMY)
            val ticket = log.wal.appendAsync("a".toBuffer(), Durability.SYNCED)
            val reached = ticket.reached.toCompletableFuture()
            reached.isDone.shouldBeFalse()
            log.background.run()
            reached.join() shouldBe ticket.lsn
            log.wal.durableLsn() shouldBe 1
        }

        "a ticket of level SYNCED is not reached by a write" {
            val log = LogFixture(options = ROOMY.withCompletionExecutor { it.run() })
            val reached = log.wal.appendAsync("a".toBuffer(), Durability.SYNCED).reached.toCompletableFuture()
            log.write("b")
            log.wal.writtenLsn() shouldBe 2
            reached.isDone.shouldBeFalse()
            log.sync()
            reached.join() shouldBe 1
        }

        "a ticket of level WRITTEN does not wait for a flush" {
            val log = LogFixture(options = ROOMY)
            val ticket = log.wal.appendAsync("a".toBuffer(), Durability.WRITTEN)
            log.background.run()
            ticket.reached.toCompletableFuture().join() shouldBe 1
            log.store.syncCount shouldBe 0
        }

        "a ticket of level BUFFERED is reached at once" {
            LogFixture(options = ROOMY).wal.appendAsync("a".toBuffer(), Durability.BUFFERED)
                .reached.toCompletableFuture().join() shouldBe 1
        }

        "a ticket of level BUFFERED completes no ticket of a higher level" {
            val wal = LogFixture(options = ROOMY).wal
            val written = wal.appendAsync("a".toBuffer(), Durability.WRITTEN).reached.toCompletableFuture()
            wal.appendAsync("b".toBuffer(), Durability.BUFFERED).reached.toCompletableFuture().join()
            written.isDone.shouldBeFalse()
        }

        "a ticket of an empty batch completes when the last record has reached its level" {
            val log = LogFixture(options = ROOMY).write("a")
            val ticket = log.wal.appendBatchAsync(emptyList(), Durability.SYNCED)
            log.background.run()
            ticket.reached.toCompletableFuture().join() shouldBe 1
        }

        "a ticket of a batch completes with the batch" {
            val log = LogFixture(options = ROOMY)
            val ticket = log.wal.appendBatchAsync(listOf("a", "b").map { it.toBuffer() }, Durability.SYNCED)
            ticket.lsn shouldBe 2
            log.background.run()
            ticket.reached.toCompletableFuture().join() shouldBe 2
        }

        "many tickets share one flush" {
            val log = LogFixture(options = ROOMY)
            val tickets = List(100) { log.wal.appendAsync("r$it".toBuffer(), Durability.SYNCED) }
            log.background.run()
            tickets.map { it.reached.toCompletableFuture().join() } shouldBe (1L..100L).toList()
            log.store.syncCount shouldBe 1
        }

        "tickets are committed by another thread's sync, too" {
            val log = LogFixture(options = ROOMY)
            val ticket = log.wal.appendAsync("a".toBuffer(), Durability.SYNCED)
            log.sync()
            ticket.reached.toCompletableFuture().join() shouldBe 1
        }

        "tickets complete on the executor of the options, never on the thread that flushes" {
            val executor = Executors.newSingleThreadExecutor { Thread(it, "completions") }
            val log = LogFixture(options = ROOMY.withCompletionExecutor(executor))
            val thread = log.wal.appendAsync("a".toBuffer(), Durability.SYNCED).reached
                .thenApply { Thread.currentThread().name }
            log.sync()
            thread.toCompletableFuture().join() shouldBe "completions"
            executor.shutdown()
        }

        "a continuation that blocks holds up neither other tickets nor the log" {
            val log = LogFixture(options = ROOMY.withCompletionExecutor { Thread(it).start() })
            val blocker = CountDownLatch(1)
            val blocked = log.wal.appendAsync("a".toBuffer(), Durability.SYNCED).reached.thenApply { blocker.await() }
            val other = log.wal.appendAsync("b".toBuffer(), Durability.SYNCED)
            log.sync()
            other.reached.toCompletableFuture().join() shouldBe 2
            log.write("c").sync().wal.durableLsn() shouldBe 3
            blocked.toCompletableFuture().isDone.shouldBeFalse()
            blocker.countDown()
            blocked.toCompletableFuture().join()
        }

        "tickets complete even when their executor refuses" {
            val refusing = Executor { throw RejectedExecutionException("no") }
            val log = LogFixture(options = ROOMY.withCompletionExecutor(refusing))
            val ticket = log.wal.appendAsync("a".toBuffer(), Durability.SYNCED)
            log.sync()
            ticket.reached.toCompletableFuture().join() shouldBe 1
        }

        "tickets that are not reached have a limit: who wants one more waits until some are" {
            val log = LogFixture(options = ROOMY.withSegmentBytes(1 shl 23).withBufferBytes(1 shl 22))
            val empty = "".toBuffer()
            repeat(Waiters.MAX_COUNT) { log.wal.appendAsync(empty, Durability.SYNCED) }
            val oneMore = running { log.wal.appendAsync(empty, Durability.SYNCED).lsn }
            awaitUntil { oneMore.isWaiting }
            oneMore.isDone.shouldBeFalse()
            log.sync()
            oneMore.result() shouldBe Waiters.MAX_COUNT + 1
        }

        "a ticket cannot be completed by who holds it" {
            val log = LogFixture(options = ROOMY)
            val ticket = log.wal.appendAsync("a".toBuffer(), Durability.SYNCED)
            ticket.reached.toCompletableFuture().complete(99)
            log.sync()
            ticket.reached.toCompletableFuture().join() shouldBe 1
        }

        "closing completes what tickets wait for" {
            val log = LogFixture(options = ROOMY)
            val ticket = log.wal.appendAsync("a".toBuffer(), Durability.SYNCED)
            log.close()
            ticket.reached.toCompletableFuture().join() shouldBe 1
            log.background.isShutdown.shouldBeTrue()
        }
    })
