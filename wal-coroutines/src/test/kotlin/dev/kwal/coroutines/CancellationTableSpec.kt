package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.booleans.shouldBeFalse
import io.kotest.matchers.booleans.shouldBeTrue
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit.MILLISECONDS

/** The table of [SuspendingWal], cell by cell, for each call. */
@OptIn(ExperimentalCoroutinesApi::class)
class CancellationTableSpec :
    StringSpec({
        for (append in APPENDS) {
            "${append.name}, cancelled before the call: the record is not in the log" {
                withLog { log, _ ->
                    val thrown = outcomeOf {
                        cancel()
                        append.call(log, append.small())
                    }
                    thrown.shouldBeInstanceOf<CancellationException>()
                    log.append("next".toByteArray()) shouldBe 1
                }
            }

            "${append.name}, cancelled while it waits for room: the record is not in the log" {
                withFullBuffer { log, store ->
                    val cancelled = launch { append.call(log, append.large()) }
                    untilCallersWait()
                    cancelled.cancelAndJoin()
                    store.release()
                    log.appendAndSync("next".toByteArray()) shouldBe 4
                    log.texts() shouldContainExactly FULL + "next"
                }
            }

            "${append.name}, timed out while it waits for room: the record is not in the log" {
                withFullBuffer { log, store ->
                    val timedOut = async { runCatching { withTimeout(1_000) { append.call(log, append.large()) } } }
                    advanceTimeBy(2_000)
                    timedOut.await().exceptionOrNull().shouldBeInstanceOf<TimeoutCancellationException>()
                    store.release()
                    log.appendAndSync("next".toByteArray()) shouldBe 4
                    log.texts() shouldContainExactly FULL + "next"
                }
            }

            "${append.name}, cancelled while room is being made: the record stays, the buffer is free" {
                withLog(TINY_BUFFER) { log, store ->
                    log.occupyBuffer()
                    store.holdAppends()
                    val records = append.large()
                    val cancelled = launch { append.call(log, records) }
                    untilCallersWait()
                    store.awaitHeldAppend()
                    cancelled.cancelAndJoin()
                    records.forEach { it.array().fill('y'.code.toByte()) }
                    store.release()
                    // Stands in the queue behind the record, so it is in the log by then.
                    log.commit(1, Durability.WRITTEN)
                    log.texts() shouldContainExactly listOf("in the buffer") + append.largeTexts()
                }
            }

            "${append.name}, NonCancellable: it gets its answer although it is cancelled" {
                withLog(TINY_BUFFER) { log, store ->
                    log.occupyBuffer()
                    store.holdAppends()
                    var lsn = 0L
                    val caller = launch { withContext(NonCancellable) { lsn = append.call(log, append.large()) } }
                    untilCallersWait()
                    store.awaitHeldAppend()
                    caller.cancel()
                    store.release()
                    caller.join()
                    lsn shouldBe 1L + append.count
                    log.texts() shouldContainExactly listOf("in the buffer") + append.largeTexts()
                }
            }
        }

        for (append in APPENDS.filter { it.waitsFor != null }) {
            "${append.name}, cancelled while it waits for its level: ends at once, the record stays" {
                withHeld(append) { log, store ->
                    val records = append.small()
                    val cancelled = launch { append.call(log, records) }
                    untilCallersWait()
                    store.awaitHeld(append)
                    cancelled.cancelAndJoin()
                    records.forEach { it.array().fill('y'.code.toByte()) }
                    store.release()
                    log.sync()
                    log.texts() shouldContainExactly listOf("begins the segment") + append.smallTexts()
                }
            }

            "${append.name}, timed out while it waits for its level: ends at once, the record stays" {
                withHeld(append) { log, store ->
                    val timedOut = async { runCatching { withTimeout(1_000) { append.call(log, append.small()) } } }
                    untilCallersWait()
                    store.awaitHeld(append)
                    advanceTimeBy(2_000)
                    timedOut.await().exceptionOrNull().shouldBeInstanceOf<TimeoutCancellationException>()
                    store.release()
                    log.sync()
                    log.texts() shouldContainExactly listOf("begins the segment") + append.smallTexts()
                }
            }

            "${append.name}, cancelled when its level is reached and it has not resumed: the record is there" {
                withLog { log, store ->
                    log.append("begins the segment".toByteArray())
                    cancelBeforeResuming(store) { append.call(log, append.small()) }
                    log.texts() shouldContainExactly listOf("begins the segment") + append.smallTexts()
                }
            }
        }

        for (append in APPENDS.filter { it.waitsFor == null }) {
            "${append.name}, cancelled when room was made and it has not resumed: the record is there" {
                withLog(TINY_BUFFER) { log, store ->
                    log.occupyBuffer()
                    cancelBeforeResuming(store) { append.call(log, append.large()) }
                    log.texts() shouldContainExactly listOf("in the buffer") + append.largeTexts()
                }
            }
        }

        for (wait in WAITS) {
            "${wait.name}, cancelled before the call: nothing is committed" {
                withLog { log, store ->
                    log.append("a".toByteArray(), Durability.BUFFERED)
                    val thrown = outcomeOf {
                        cancel()
                        wait.call(log)
                    }
                    thrown.shouldBeInstanceOf<CancellationException>()
                    log.writtenLsn shouldBe 0
                    store.syncCount.get() shouldBe 0
                }
            }

            "${wait.name}, cancelled while it waits: ends at once, and the commit goes on" {
                withLog { log, store ->
                    log.append("a".toByteArray(), Durability.BUFFERED)
                    store.hold(wait.level)
                    val cancelled = launch { wait.call(log) }
                    untilCallersWait()
                    store.awaitHeld(wait.level)
                    cancelled.cancelAndJoin()
                    store.release()
                    wait.call(log) shouldBe 1
                    store.syncCount.get() shouldBe if (wait.level == Durability.SYNCED) 1 else 0
                }
            }

            "${wait.name}, cancelled when the level is reached and it has not resumed: the level is reached" {
                withLog { log, store ->
                    log.append("a".toByteArray(), Durability.BUFFERED)
                    cancelBeforeResuming(store) { wait.call(log) }
                    log.writtenLsn shouldBe 1
                }
            }
        }

        for (change in CHANGES) {
            "${change.name}, cancelled before the call: nothing happens" {
                withThreeRecords { log, _ ->
                    val thrown = outcomeOf {
                        cancel()
                        change.call(log)
                    }
                    thrown.shouldBeInstanceOf<CancellationException>()
                    log.sync()
                    change.isDone(log).shouldBeFalse()
                }
            }

            "${change.name}, cancelled before its turn: nothing happens" {
                withThreeRecords { log, store ->
                    store.holdSyncs()
                    val before = async { log.sync() }
                    untilCallersWait()
                    store.awaitHeldSync()
                    val cancelled = launch { change.call(log) }
                    untilCallersWait()
                    cancelled.cancelAndJoin()
                    store.release()
                    before.await()
                    // Stands in the same queue, so all that was in it before is over.
                    log.checkpoint(0)
                    change.isDone(log).shouldBeFalse()
                }
            }

            "${change.name}, cancelled when it has begun: ends at once, and it is done all the same" {
                withThreeRecords { log, store ->
                    store.holdSyncs()
                    val cancelled = launch { change.call(log) }
                    untilCallersWait()
                    store.awaitHeldSync()
                    cancelled.cancelAndJoin()
                    store.release()
                    log.checkpoint(0)
                    change.isDone(log).shouldBeTrue()
                }
            }

            "${change.name}, cancelled when it is done and the caller has not resumed: it is done" {
                withThreeRecords { log, store ->
                    cancelBeforeResuming(store) { change.call(log) }
                    change.isDone(log).shouldBeTrue()
                }
            }
        }

        "read, cancelled before the call: nothing is read" {
            withLog { log, store ->
                log.appendAndSync("a".toByteArray())
                val thrown = outcomeOf {
                    cancel()
                    log.read(1)
                }
                thrown.shouldBeInstanceOf<CancellationException>()
                store.readBytes.get() shouldBe 0
            }
        }

        "read, cancelled while it reads: ends when the record has been read" {
            val store = HookedStore()
            runTest {
                SuspendingWal.open(store, QUIET).use { log ->
                    log.appendAndSync("a".toByteArray())
                    val gate = Arrival("read")
                    store.before = gate::pass
                    val cancelled = async { runCatching { log.read(1) } }
                    untilCallersWait()
                    gate.awaitArrival()
                    cancelled.cancel()
                    untilCallersWait()
                    cancelled.isCompleted.shouldBeFalse()
                    gate.open()
                    cancelled.join()
                    shouldThrow<CancellationException> { cancelled.await() }
                }
            }
        }

        "open, cancelled while it opens: waits for that, and the store is free again" {
            val store = HookedStore()
            runTest {
                val gate = Arrival("lock")
                store.before = gate::pass
                val cancelled = async { SuspendingWal.open(store, QUIET) }
                untilCallersWait()
                gate.awaitArrival()
                cancelled.cancel()
                untilCallersWait()
                cancelled.isCompleted.shouldBeFalse()
                gate.open()
                shouldThrow<CancellationException> { cancelled.await() }
                Wal.open(store, QUIET).close()
            }
        }

        "open, cancelled and closing fails: the cancellation is told, and no thread is left" {
            val store = HookedStore()
            runTest {
                val gate = Arrival("lock")
                store.before = gate::pass
                val cancelled = async { SuspendingWal.open(store, QUIET) }
                untilCallersWait()
                gate.awaitArrival()
                cancelled.cancel()
                store.before = { if (it == "unlock") throw IOException("cannot be unlocked") }
                val threads = Thread.getAllStackTraces().keys.filter { it.name == LogDispatcher.THREAD_NAME }
                gate.open()
                shouldThrow<CancellationException> { cancelled.await() }
                blocking { threads.forEach { it.join(PATIENCE.inWholeMilliseconds) } }
                threads.filter { it.isAlive } shouldBe emptyList()
            }
        }

        "openReadOnly, cancelled before the call: nothing is left open" {
            val store = WatchedStore()
            runTest {
                Wal.open(store, QUIET).use { it.appendAndSync("a".toByteArray()) }
                store.openReaders.get() shouldBe 0
                val thrown = outcomeOf {
                    cancel()
                    SuspendingWal.openReadOnly(store, QUIET)
                }
                thrown.shouldBeInstanceOf<CancellationException>()
                store.openReaders.get() shouldBe 0
            }
        }

        "close, cancelled before the call: closes all the same" {
            withLog { log, _ ->
                launch {
                    cancel()
                    log.close()
                }.join()
                log.state.first { it == LogState.Closed }
            }
        }

        "close, cancelled when it has begun: goes on to its end" {
            withLog { log, store ->
                log.append("a".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                val closing = launch { log.close() }
                untilCallersWait()
                store.awaitHeldSync()
                closing.cancel()
                untilCallersWait()
                closing.isCompleted.shouldBeFalse()
                store.release()
                closing.join()
                log.state.first { it == LogState.Closed }
            }
        }

        "a caller cancelled while its buffers are being copied never goes on on the log's thread" {
            val copying = CountDownLatch(1)
            val copied = CountDownLatch(1)
            val records = object : AbstractList<ByteBuffer>() {
                override val size = 1

                override fun get(index: Int): ByteBuffer {
                    copying.countDown()
                    check(copied.await(PATIENCE.inWholeMilliseconds, MILLISECONDS)) { "nobody let the copying end" }
                    return ByteBuffer.allocate(1)
                }
            }
            runTest {
                val task = Task(coroutineContext, records) { 1L }
                val committer = Thread({ task.perform() }, LogDispatcher.THREAD_NAME)
                committer.start()
                copying.await()
                var wentOnOn: Thread? = null
                val cancelled = launch(Dispatchers.Unconfined) {
                    task.withdraw()
                    wentOnOn = Thread.currentThread()
                }
                copied.countDown()
                cancelled.join()
                (wentOnOn === committer).shouldBeFalse()
            }
        }
    })

private val FULL = listOf("begins the segment", "a", "in the buffer")

/** A way to append [count] records; [waitsFor] the level that its caller is suspended for. */
private class Append(
    val name: String,
    val count: Int,
    val waitsFor: Durability?,
    val call: suspend (SuspendingWal, List<ByteBuffer>) -> Long,
) {
    fun smallTexts() = List(count) { "record $it" }

    fun small() = buffers(*smallTexts().toTypedArray())

    fun largeTexts() = List(count) { "x".repeat(LARGE / count) }

    fun large() = buffers(*largeTexts().toTypedArray())
}

private val APPENDS = Durability.entries.flatMap { level ->
    val waitsFor = level.takeIf { it != Durability.BUFFERED }
    listOf(
        Append("append at $level", 1, waitsFor) { log, records -> log.append(records.single(), level) },
        Append("appendBatch at $level", 2, waitsFor) { log, records -> log.appendBatch(records, level) },
        Append("appendAsync at $level", 1, null) { log, records -> log.appendAsync(records.single(), level).lsn },
        Append("appendBatchAsync at $level", 2, null) { log, records -> log.appendBatchAsync(records, level).lsn },
    )
}

private class Wait(val name: String, val level: Durability, val call: suspend (SuspendingWal) -> Long)

private val WAITS = listOf(
    Wait("sync", Durability.SYNCED) { it.sync() },
    Wait("sync of an LSN", Durability.SYNCED) { it.sync(1) },
    Wait("commit at SYNCED", Durability.SYNCED) { it.commit(1, Durability.SYNCED) },
    Wait("commit at WRITTEN", Durability.WRITTEN) { it.commit(1, Durability.WRITTEN) },
)

private class Change(
    val name: String,
    val isDone: (SuspendingWal) -> Boolean,
    val call: suspend (SuspendingWal) -> Unit,
)

private val CHANGES = listOf(
    Change("checkpoint", { it.firstLsn == 3L }) { it.checkpoint(2) },
    Change("truncateAfter", { it.lastLsn == 2L }) { it.truncateAfter(2) },
    Change("rotate", { it.segments.size > 1 }) { it.rotate() },
)

private fun WatchedStore.hold(level: Durability) = if (level == Durability.SYNCED) holdSyncs() else holdAppends()

private fun WatchedStore.awaitHeld(level: Durability) =
    if (level == Durability.SYNCED) awaitHeldSync() else awaitHeldAppend()

private fun WatchedStore.awaitHeld(append: Append) = awaitHeld(checkNotNull(append.waitsFor))

/** A log in a segment, on a store that holds what brings records to the level of [append]. */
private fun withHeld(append: Append, block: suspend TestScope.(SuspendingWal, WatchedStore) -> Unit) =
    withLog { log, store ->
        log.appendAndSync("begins the segment".toByteArray())
        store.hold(checkNotNull(append.waitsFor))
        block(log, store)
    }

/** A log whose buffer has no room for a large record, and whose writes are held. */
private fun withFullBuffer(block: suspend TestScope.(SuspendingWal, WatchedStore) -> Unit) =
    withLog(TINY_BUFFER) { log, store ->
        log.appendAndSync("begins the segment".toByteArray())
        store.holdAppends()
        val first = async { log.append("a".toByteArray()) }
        untilCallersWait()
        store.awaitHeldAppend()
        log.occupyBuffer() shouldBe 3
        block(log, store)
        first.await() shouldBe 2
    }

private fun withThreeRecords(block: suspend TestScope.(SuspendingWal, WatchedStore) -> Unit) = withLog { log, store ->
    repeat(3) { log.append("record".toByteArray(), Durability.BUFFERED) }
    block(log, store)
}

/** What a caller of its own gets. */
private suspend fun TestScope.outcomeOf(call: suspend CoroutineScope.() -> Unit): Throwable? {
    var outcome: Result<Unit>? = null
    launch { outcome = runCatching { call() } }.join()
    return checkNotNull(outcome).exceptionOrNull()
}

/** Cancels a caller after its answer is there and before it has heard of it, and sees to it that it is cancelled. */
private suspend fun cancelBeforeResuming(store: WatchedStore, call: suspend () -> Unit) {
    val hand = HandDispatcher()
    // Or the answer may be there before the caller is suspended.
    store.holdAppends()
    store.holdSyncs()
    var outcome: Result<Unit>? = null
    val caller = CoroutineScope(Job() + hand).launch { outcome = runCatching { call() } }
    hand.take().run()
    store.release()
    val answer = blockingly { hand.take() }
    caller.cancel()
    answer.run()
    hand.runUntil { caller.isCompleted }
    checkNotNull(outcome).exceptionOrNull().shouldBeInstanceOf<CancellationException>()
}

private suspend fun <T> blockingly(block: () -> T): T = withContext(Dispatchers.IO) { block() }

/** Stops the first call of this name until [open]. */
private class Arrival(private val name: String) {
    private val arrived = CountDownLatch(1)
    private val opened = CountDownLatch(1)

    fun pass(call: String) {
        if (call != name) return
        arrived.countDown()
        check(opened.await(PATIENCE.inWholeMilliseconds, MILLISECONDS)) { "nobody opened the gate" }
    }

    fun awaitArrival() = check(arrived.await(PATIENCE.inWholeMilliseconds, MILLISECONDS)) { "nobody came to the gate" }

    fun open() = opened.countDown()
}
