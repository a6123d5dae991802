package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalClosedException
import dev.kwal.WalFailedException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.booleans.shouldBeFalse
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.runTest
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch

/** Who closes a log, and that nobody is left waiting when it ends. */
class OwnerSpec :
    StringSpec({
        "a scope that is cancelled closes the log, and is over when that is" {
            runTest {
                val store = WatchedStore()
                val scope = CoroutineScope(Job() + Dispatchers.Default)
                val log = SuspendingWal.open(store, QUIET, owner = scope)
                log.append("a".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                scope.cancel()
                store.awaitHeldSync()
                scope.coroutineContext.job.isCompleted.shouldBeFalse()
                store.release()
                scope.coroutineContext.job.join()
                shouldThrow<WalClosedException> { log.append("b".toByteArray()) }
                Wal.open(store, QUIET).use { it.durableLsn() shouldBe 1 }
            }
        }

        "a scope that was cancelled before closes the log at once" {
            runTest {
                val store = WatchedStore()
                val scope = CoroutineScope(Job() + Dispatchers.Default)
                scope.cancel()
                val log = SuspendingWal.open(store, QUIET, owner = scope)
                log.state.first { it == LogState.Closed }
                log.close()
                Wal.open(store, QUIET).close()
            }
        }

        "a scope hears of a close that fails" {
            runTest {
                val store = WatchedStore()
                val heard = CompletableDeferred<Throwable>()
                val handler = CoroutineExceptionHandler { _, thrown -> heard.complete(thrown) }
                val scope = CoroutineScope(Job() + Dispatchers.Default + handler)
                val log = SuspendingWal.open(store, QUIET, owner = scope)
                log.append("a".toByteArray(), Durability.BUFFERED)
                store.failSyncs(IOException("the disk is gone"))
                scope.cancel()
                heard.await().shouldBeInstanceOf<WalFailedException>()
                scope.coroutineContext.job.join()
                log.close()
            }
        }

        "a log closed by hand leaves its scope alone, and nothing in it" {
            runTest {
                val scope = CoroutineScope(Job() + Dispatchers.Default)
                val log = SuspendingWal.open(WatchedStore(), QUIET, owner = scope)
                log.close()
                scope.coroutineContext.job.children.forEach { it.join() }
                scope.coroutineContext.job.isCancelled.shouldBeFalse()
            }
        }

        "a log that cannot be closed by hand tells the one who closes it, not its scope" {
            runTest {
                val store = WatchedStore()
                val scope = CoroutineScope(Job() + Dispatchers.Default)
                val log = SuspendingWal.open(store, QUIET, owner = scope)
                log.append("a".toByteArray(), Durability.BUFFERED)
                store.failSyncs(IOException("the disk is gone"))
                shouldThrow<WalFailedException> { log.close() }
                scope.coroutineContext.job.children.forEach { it.join() }
                scope.coroutineContext.job.isCancelled.shouldBeFalse()
            }
        }

        "a scope on one thread closes the log from that thread" {
            runTest {
                val store = WatchedStore()
                EventLoop().use { loop ->
                    val scope = CoroutineScope(Job() + loop.dispatcher)
                    SuspendingWal.open(store, QUIET, owner = scope)
                    scope.cancel()
                    scope.coroutineContext.job.join()
                }
                Wal.open(store, QUIET).close()
            }
        }

        "use closes the log when its block is cancelled" {
            runTest {
                val store = WatchedStore()
                val inside = CompletableDeferred<Unit>()
                val user = launch {
                    SuspendingWal.open(store, QUIET).use {
                        inside.complete(Unit)
                        CompletableDeferred<Unit>().await()
                    }
                }
                inside.await()
                user.cancel()
                user.join()
                Wal.open(store, QUIET).close()
            }
        }

        "a log that is closed leaves nobody waiting, and what was accepted is there" {
            withEverybodyWaiting { log, store, callers ->
                val closing = async { log.close() }
                untilCallersWait()
                store.release()
                closing.await()
                callers.forEach { (name, caller) ->
                    withClue(name) { caller.await().exceptionOrNull() shouldBe null }
                }
            }
        }

        "a log that its Java owner closes leaves nobody waiting" {
            withEverybodyWaiting { log, store, callers ->
                val closing = async { blocking { log.asBlocking().close() } }
                untilCallersWait()
                store.release()
                closing.await()
                callers.forEach { (_, caller) -> caller.await() }
            }
        }

        "a log that fails leaves nobody waiting" {
            runTest {
                val store = WatchedStore()
                val log = SuspendingWal.open(store, TINY_BUFFER)
                everybodyWaits(log, store) { callers ->
                    store.failSyncs(IOException("the disk is gone"))
                    store.release()
                    callers.forEach { (name, caller) ->
                        withClue(name) { caller.await().exceptionOrNull().shouldBeInstanceOf<WalFailedException>() }
                    }
                }
                shouldThrow<WalFailedException> { log.close() }
            }
        }

        "a log whose scope is cancelled leaves nobody waiting" {
            runTest {
                val store = WatchedStore()
                val scope = CoroutineScope(Job() + Dispatchers.Default)
                val log = SuspendingWal.open(store, TINY_BUFFER, owner = scope)
                everybodyWaits(log, store) { callers ->
                    scope.cancel()
                    store.release()
                    callers.forEach { (name, caller) ->
                        withClue(name) { caller.await().exceptionOrNull() shouldBe null }
                    }
                }
                scope.coroutineContext.job.join()
            }
        }

        "callers who come while the log is being closed, and block, keep nobody from hearing that it is closed" {
            withLog { log, store ->
                log.append("a".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                val closing = async(Dispatchers.Default) { log.close() }
                // The queues are empty by now, and the log itself is being closed.
                blocking { store.awaitHeldSync() }
                val blocked = CountDownLatch(1)
                val unconfined = CoroutineScope(Job() + Dispatchers.Unconfined)
                val blockers = List(3) {
                    unconfined.launch {
                        runCatching { log.sync() }
                        blocked.await()
                    }
                }
                val caller = async { runCatching { log.rotate() } }
                untilCallersWait()
                store.release()
                try {
                    closing.await()
                    caller.await().exceptionOrNull().shouldBeInstanceOf<WalClosedException>()
                } finally {
                    blocked.countDown()
                }
                blockers.forEach { it.join() }
            }
        }

        "a record accepted before close whose sync fails while closing is not reported as refused" {
            runTest {
                val store = WatchedStore()
                val log = SuspendingWal.open(store, TINY_BUFFER)
                log.occupyBuffer()
                store.holdAppends()
                val hand = HandDispatcher()
                val large = ByteBuffer.allocate(LARGE)
                val caller = CoroutineScope(Job() + hand).async { runCatching { log.append(large, Durability.SYNCED) } }
                hand.take().run()
                store.release()
                val accepted = hand.take()
                store.failSyncs(IOException("the disk is gone"))
                shouldThrow<WalFailedException> { log.close() }
                accepted.run()
                hand.runUntil { caller.isCompleted }
                caller.await().exceptionOrNull().shouldBeInstanceOf<WalFailedException>()
            }
        }
    })

private typealias Callers = Map<String, Deferred<Result<Any>>>

private fun withEverybodyWaiting(block: suspend TestScope.(SuspendingWal, WatchedStore, Callers) -> Unit) =
    withLog(TINY_BUFFER) { log, store -> everybodyWaits(log, store) { block(log, store, it) } }

/** A caller of each kind, each waiting for a store whose syncs are held. */
private suspend fun TestScope.everybodyWaits(
    log: SuspendingWal,
    store: WatchedStore,
    block: suspend TestScope.(Callers) -> Unit,
) {
    log.appendAndSync("begins the segment".toByteArray())
    fun caller(call: suspend () -> Any) = async { runCatching { call() } }
    store.holdSyncs()
    val level = caller { log.appendAndSync("a".toByteArray()) }
    untilCallersWait()
    store.awaitHeldSync()
    val ticket = log.appendAsync(ByteBuffer.allocate(1), Durability.SYNCED)
    val following = CompletableDeferred<Unit>()
    val callers = mapOf(
        "level" to level,
        "ticket" to caller { ticket.reached.await() },
        "sync" to caller { log.sync() },
        "commit" to caller { log.commit(log.lastLsn, Durability.SYNCED) },
        "room" to caller { log.append(ByteArray(LARGE), Durability.SYNCED) },
        "follow" to caller { log.follow().onEach { following.complete(Unit) }.toList() },
    )
    untilCallersWait()
    following.await()
    try {
        block(callers)
    } finally {
        store.release()
    }
}
