package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.WalClosedException
import dev.kwal.WalFailedException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.booleans.shouldBeFalse
import io.kotest.matchers.booleans.shouldBeTrue
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch

@OptIn(ExperimentalCoroutinesApi::class)
class TicketSpec :
    StringSpec({
        for (level in listOf(Durability.WRITTEN, Durability.SYNCED)) {
            "a ticket completes with its LSN when the record is $level, not before" {
                withLog { log, store ->
                    log.appendAndSync("begins the segment".toByteArray())
                    if (level == Durability.SYNCED) store.holdSyncs() else store.holdAppends()
                    val one = log.appendAsync(record("a"), level)
                    val batch = log.appendBatchAsync(buffers("b", "c"), level)
                    if (level == Durability.SYNCED) store.awaitHeldSync() else store.awaitHeldAppend()
                    one.lsn shouldBe 2
                    batch.lsn shouldBe 4
                    listOf(one, batch).any { it.reached.isCompleted }.shouldBeFalse()
                    store.release()
                    one.reached.await() shouldBe 2
                    batch.reached.await() shouldBe 4
                }
            }
        }

        "a ticket at level buffered is complete" {
            withLog { log, _ ->
                log.appendAsync(record("a"), Durability.BUFFERED).reached.getCompleted() shouldBe 1
            }
        }

        "a ticket of no records is one of the last record" {
            withLog { log, _ ->
                log.appendAsync(record("a"), Durability.BUFFERED)
                log.appendBatchAsync(emptyList(), Durability.SYNCED).reached.await() shouldBe 1
                log.durableLsnNow() shouldBe 1
            }
        }

        "a ticket survives its caller and the scope it was taken in" {
            withLog { log, store ->
                store.holdSyncs()
                val scope = CoroutineScope(Job() + Dispatchers.Default)
                val taken = CompletableDeferred<SuspendingTicket>()
                scope.launch { taken.complete(log.appendAsync(record("a"), Durability.SYNCED)) }
                val ticket = taken.await()
                val awaiting = launch { ticket.reached.await() }
                untilCallersWait()
                awaiting.cancelAndJoin()
                scope.cancel()
                store.release()
                ticket.reached.await() shouldBe 1
            }
        }

        "tickets fail with the log, and those taken later are refused" {
            runTest {
                val store = WatchedStore()
                val log = SuspendingWal.open(store, QUIET)
                store.holdSyncs()
                val before = log.appendAsync(record("a"), Durability.SYNCED)
                store.awaitHeldSync()
                val during = log.appendAsync(record("b"), Durability.SYNCED)
                store.failSyncs(IOException("the disk is gone"))
                store.release()
                shouldThrow<WalFailedException> { before.reached.await() }
                shouldThrow<WalFailedException> { during.reached.await() }
                shouldThrow<WalFailedException> { log.appendAsync(record("c"), Durability.SYNCED) }
                shouldThrow<WalFailedException> { log.close() }
            }
        }

        "close completes every ticket" {
            withLog { log, store ->
                store.holdSyncs()
                val tickets = List(1_000) { log.appendAsync(record("a"), Durability.entries[1 + it % 2]) }
                val closing = launch { log.close() }
                untilCallersWait()
                store.release()
                closing.join()
                tickets.map { it.reached.await() } shouldContainExactly (1L..1_000L).toList()
                shouldThrow<WalClosedException> { log.appendAsync(record("a")) }
            }
        }

        "a ticket of a record accepted before close, taken after it, is complete" {
            takenAfterClose(null) { ticket -> ticket.reached.await() shouldBe 2 }
        }

        "a ticket of a record accepted before close fails if close could not sync it" {
            takenAfterClose(IOException("the disk is gone")) { ticket ->
                shouldThrow<WalFailedException> { ticket.reached.await() }
            }
        }

        "open tickets are limited: one more suspends for room and gets its turn" {
            withLog { log, store ->
                log.appendAndSync("begins the segment".toByteArray())
                store.holdSyncs()
                val tickets = List(Committer.MAX_WAITING) { log.appendAsync(record("a"), Durability.SYNCED) }
                val cancelled = async { log.appendAsync(record("never"), Durability.SYNCED) }
                val waiting = async { log.appendAsync(record("b"), Durability.SYNCED) }
                untilCallersWait()
                waiting.isCompleted.shouldBeFalse()
                log.lastLsn shouldBe Committer.MAX_WAITING + 1L
                cancelled.cancelAndJoin()
                store.release()
                waiting.await().reached.await() shouldBe Committer.MAX_WAITING + 2L
                tickets.all { it.reached.await() == it.lsn }.shouldBeTrue()
            }
        }

        "callers who want tickets for records that need room never wait for each other" {
            val options = TINY_BUFFER.withSegmentBytes(1 shl 10)
            withLog(options) { log, store ->
                log.appendAndSync(ByteArray(FILLS_SEGMENT))
                store.holdAppends()
                val first = async { log.append(ByteArray(FILLS_SEGMENT)) }
                untilCallersWait()
                store.awaitHeldAppend()
                // Half of all permits are for those who wait for room, the rest for those behind them.
                val callers = List(2 * Committer.MAX_WAITING) {
                    launch { log.appendAsync(record("a"), Durability.WRITTEN) }
                }
                untilCallersWait()
                store.release()
                first.await()
                callers.forEach { it.join() }
            }
        }

        "a refused record gives its permit back, 70,000 times" {
            withLog(QUIET.withMaxRecordBytes(10)) { log, _ ->
                repeat(70_000) {
                    val failure = runCatching { log.appendAsync(ByteBuffer.allocate(11), Durability.SYNCED) }
                    failure.exceptionOrNull().shouldBeInstanceOf<IllegalArgumentException>()
                }
                log.appendAsync(record("a"), Durability.SYNCED).reached.await() shouldBe 1
            }
        }

        "a caller cancelled while it waits for room gives its permits back, 70,000 times" {
            withLog(TINY_BUFFER) { log, store ->
                log.appendAndSync("begins the segment".toByteArray())
                store.holdAppends()
                val first = async { log.append("a".toByteArray()) }
                untilCallersWait()
                store.awaitHeldAppend()
                log.occupyBuffer()
                val large = ByteBuffer.allocate(LARGE)
                repeat(2) {
                    val cancelled = List(35_000) { launch { log.appendAsync(large, Durability.SYNCED) } }
                    untilCallersWait()
                    cancelled.forEach { it.cancel() }
                    untilCallersWait()
                }
                store.release()
                first.await()
                log.appendAsync(large, Durability.SYNCED).reached.await() shouldBe 4
            }
        }

        "callers who await tickets unconfined, and block, hold up nobody" {
            withLog { log, store ->
                store.holdSyncs()
                val blocked = CountDownLatch(1)
                val scope = CoroutineScope(Job() + Dispatchers.Unconfined)
                val blockers = List(100) {
                    val ticket = log.appendAsync(record("a"), Durability.SYNCED)
                    scope.launch {
                        ticket.reached.await()
                        blocked.await()
                    }
                }
                try {
                    store.release()
                    log.appendAsync(record("b"), Durability.SYNCED).reached.await() shouldBe 101
                    log.append("c".toByteArray(), Durability.SYNCED) shouldBe 102
                } finally {
                    blocked.countDown()
                }
                blockers.forEach { it.join() }
            }
        }

        "a ticket that its holder cancels is lost to the holder alone" {
            withLog { log, store ->
                store.holdSyncs()
                val lost = log.appendAsync(record("a"), Durability.SYNCED)
                val kept = log.appendAsync(record("b"), Durability.SYNCED)
                lost.reached.cancel()
                store.release()
                kept.reached.await() shouldBe 2
                log.texts() shouldContainExactly listOf("a", "b")
            }
        }

        "tickets taken on many threads complete, each with its own LSN" {
            withLog { log, _ ->
                val tickets = List(1_000) { number ->
                    async(Dispatchers.Default) { log.appendAsync(record("a"), Durability.entries[number % 3]) }
                }.awaitAll()
                tickets.all { it.reached.await() == it.lsn }.shouldBeTrue()
                tickets.map { it.lsn }.toSet() shouldBe (1L..1_000L).toSet()
            }
        }
    })

/** So long that a segment of 1 KiB has no room for a second record. */
private const val FILLS_SEGMENT = 900

private fun record(text: String): ByteBuffer = ByteBuffer.wrap(text.toByteArray())

private fun SuspendingWal.durableLsnNow(): Long = asBlocking().durableLsn()

/** A caller whose record was accepted before close, and who hears of that when the log is closed only. */
private fun takenAfterClose(failure: IOException?, check: suspend (SuspendingTicket) -> Unit) = runTest {
    val store = WatchedStore()
    val log = SuspendingWal.open(store, TINY_BUFFER)
    log.occupyBuffer()
    // Or the answer may be there before the caller is suspended.
    store.holdAppends()
    val hand = HandDispatcher()
    val caller = CoroutineScope(Job() + hand).async { log.appendAsync(ByteBuffer.allocate(LARGE), Durability.SYNCED) }
    hand.take().run()
    store.release()
    // The record is accepted when its caller is due.
    val accepted = hand.take()
    failure?.let { store.failSyncs(it) }
    val closing = runCatching { log.close() }
    (closing.exceptionOrNull() is WalFailedException) shouldBe (failure != null)
    accepted.run()
    hand.runUntil { caller.isCompleted }
    check(caller.await())
}
