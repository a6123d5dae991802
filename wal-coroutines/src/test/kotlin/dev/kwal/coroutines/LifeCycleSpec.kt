package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalClosedException
import dev.kwal.WalFailedException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeSameInstanceAs
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import java.io.IOException
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration.Companion.days
import kotlin.time.Duration.Companion.milliseconds

class LifeCycleSpec :
    StringSpec({
        "a failed sync reaches everybody who waits, and everybody who comes later" {
            runTest {
                val store = WatchedStore()
                val log = SuspendingWal.open(store, QUIET)
                store.holdSyncs()
                val callers = List(40) { async { runCatching { log.appendAndSync(ByteArray(10)) } } }
                untilCallersWait()
                blocking { store.awaitHeldSync() }
                val late = List(40) { async { runCatching { log.sync() } } }
                untilCallersWait()
                val failure = IOException("the disk is gone")
                store.failSyncs(failure)
                store.release()
                for (outcome in (callers + late).awaitAll()) {
                    val thrown = shouldThrow<WalFailedException> { outcome.getOrThrow() }
                    generateSequence<Throwable>(thrown) { it.cause }.last() shouldBeSameInstanceAs failure
                }
                shouldThrow<WalFailedException> { log.append("a".toByteArray(), Durability.BUFFERED) }
                shouldThrow<WalFailedException> { log.sync() }
                log.state.value shouldBe LogState.Failed(failure)
                shouldThrow<WalFailedException> { log.close() }
                log.close()
                log.state.value shouldBe LogState.Closed
            }
        }

        "close finishes the calls that wait" {
            withLog { log, store ->
                store.holdSyncs()
                val callers = List(3_000) { async { log.appendAndSync(ByteArray(10)) } }
                untilCallersWait()
                val closing = launch { log.close() }
                untilCallersWait()
                store.release()
                callers.awaitAll().toSet().size shouldBe 3_000
                closing.join()
                log.state.value shouldBe LogState.Closed
            }
        }

        "close leaves nobody waiting, whenever callers come" {
            withLog { log, _ ->
                withContext(Dispatchers.Default) {
                    val callers = List(500) { number ->
                        async {
                            runCatching { log.append(ByteArray(10), Durability.entries[number % 3]) }
                        }
                    }
                    log.close()
                    val outcomes = callers.awaitAll()
                    outcomes.mapNotNull { it.exceptionOrNull() }.forEach { (it is WalClosedException) shouldBe true }
                    outcomes.mapNotNull { it.getOrNull() }.filter { it > log.lastLsn } shouldBe emptyList()
                }
            }
        }

        "a closed log refuses everything and closes again without complaint" {
            withLog { log, _ ->
                log.append("a".toByteArray())
                log.close()
                shouldThrow<WalClosedException> { log.append("a".toByteArray()) }
                shouldThrow<WalClosedException> { log.append("a".toByteArray(), Durability.BUFFERED) }
                shouldThrow<WalClosedException> { log.appendBatch(buffers("a", "b")) }
                shouldThrow<WalClosedException> { log.sync() }
                shouldThrow<WalClosedException> { log.read(1) }
                shouldThrow<WalClosedException> { log.checkpoint(0) }
                shouldThrow<WalClosedException> { log.texts() }
                log.close()
            }
        }

        "closing is not cancelled half way" {
            withLog { log, store ->
                log.append("a".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                val closing = launch { log.close() }
                untilCallersWait()
                blocking { store.awaitHeldSync() }
                closing.cancel()
                store.release()
                closing.join()
                log.state.value shouldBe LogState.Closed
            }
        }

        "what was appended at any level is there after close and open" {
            runTest {
                val store = WatchedStore()
                SuspendingWal.open(store, QUIET).use { log ->
                    for (level in Durability.entries) log.append(level.name.toByteArray(), level)
                }
                SuspendingWal.open(store, QUIET).use { log ->
                    log.texts() shouldContainExactly Durability.entries.map { it.name }
                }
            }
        }

        "a log that cannot be opened leaves no thread, and one that was closed neither" {
            runTest {
                val store = WatchedStore()
                val log = SuspendingWal.open(store, QUIET)
                shouldThrow<IOException> { SuspendingWal.open(store, QUIET) }
                log.appendAndSync("a".toByteArray())
                val threads = threadsOfLogs()
                log.close()
                blocking { threads.forEach { it.join() } }
                threadsOfLogs() shouldBe emptyList()
            }
        }

        "a dispatcher shut down too early does not stop the log" {
            runTest {
                val store = WatchedStore()
                val given = Executors.newSingleThreadExecutor().asCoroutineDispatcher()
                val log = SuspendingWal.open(store, QUIET, given)
                given.close()
                log.appendAndSync("a".toByteArray()) shouldBe 1
                log.close()
                SuspendingWal.open(store, QUIET).use { it.texts() shouldContainExactly listOf("a") }
            }
        }

        "a committer that ends too early leaves nobody waiting" {
            val store = WatchedStore()
            val wal = Wal.open(store, QUIET)
            LogDispatcher.of(null).use { threads ->
                val committer = Committer(wal, Durability.SYNCED, threads, Completions(wal)) { _, _ -> }
                runTest {
                    wal.append("a".toByteArray())
                    store.holdSyncs()
                    val first = async { committer.reach(1, isAccepted = true) }
                    untilCallersWait()
                    blocking { store.awaitHeldSync() }
                    val late = List(100) { async { runCatching { committer.reach(1, isAccepted = true) } } }
                    committer.reserveTicket()
                    val ticket = committer.ticket(1)
                    untilCallersWait()
                    committer.loop.cancel()
                    store.release()
                    first.await() shouldBe 1L
                    late.awaitAll().forEach { (it.exceptionOrNull() is IllegalStateException) shouldBe true }
                    shouldThrow<IllegalStateException> { ticket.await() }
                    shouldThrow<IllegalStateException> { committer.reach(1, isAccepted = true) }
                }
            }
            wal.close()
        }

        "a caller whose dispatcher throws keeps nobody else waiting" {
            withLog { log, store ->
                log.append("begins the segment".toByteArray())
                val thrown = CompletableDeferred<Throwable>()
                val broken = BrokenDispatcher()
                store.holdSyncs()
                val before = async { log.appendAndSync("a".toByteArray()) }
                untilCallersWait()
                CoroutineScope(broken).launch(start = CoroutineStart.UNDISPATCHED) {
                    log.appendAndSync("never resumes".toByteArray())
                }
                val after = async { log.appendAndSync("b".toByteArray()) }
                untilCallersWait()
                broken.isBroken = true
                Thread.setDefaultUncaughtExceptionHandler { _, e -> thrown.complete(e) }
                try {
                    store.release()
                    listOf(before, after).awaitAll() shouldContainExactly listOf(2L, 4L)
                    thrown.await().stackTraceToString() shouldContain "this dispatcher is broken"
                } finally {
                    Thread.setDefaultUncaughtExceptionHandler(null)
                }
            }
        }

        "closing waits no longer than it may, and goes on" {
            withLog { log, store ->
                log.append("a".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                log.close(1.milliseconds) shouldBe false
                store.release()
                withContext(Dispatchers.Default) { log.close(1.days) } shouldBe true
                log.state.value shouldBe LogState.Closed
                log.durableLsn.value shouldBe 1
            }
        }

        "the suspending face of a log appends at the level of the log's options" {
            runTest {
                val wal = Wal.open(WatchedStore(), QUIET.withDefaultLevel(Durability.SYNCED))
                wal.asSuspending().use { log ->
                    log.append("a".toByteArray())
                    log.durableLsn.value shouldBe 1
                }
            }
        }

        "a dispatcher without threads is refused, and the log is free" {
            runTest {
                val store = WatchedStore()
                shouldThrow<IllegalArgumentException> { SuspendingWal.open(store, QUIET, Dispatchers.Unconfined) }
                    .message shouldContain "no threads"
                SuspendingWal.open(store, QUIET).close()
            }
        }

        "callers who block all I/O threads to read get their records" {
            withLog { log, _ ->
                log.appendAndSync("a".toByteArray())
                val everybody = CountDownLatch(64)
                val readers = List(64) {
                    async(Dispatchers.IO) {
                        everybody.countDown()
                        everybody.await()
                        runBlocking { log.read(1).text() + log.texts() }
                    }
                }
                readers.awaitAll().toSet() shouldBe setOf("a[a]")
            }
        }

        "use closes the log and keeps what was thrown first" {
            runTest {
                val store = WatchedStore()
                val thrown = shouldThrow<IllegalStateException> {
                    SuspendingWal.open(store, QUIET).use { log ->
                        log.append("a".toByteArray(), Durability.BUFFERED)
                        store.failSyncs(IOException("the disk is gone"))
                        error("in the block")
                    }
                }
                thrown.message shouldBe "in the block"
                thrown.suppressed.single().let { (it is WalFailedException) shouldBe true }
            }
        }
    })

private class BrokenDispatcher : CoroutineDispatcher() {
    @Volatile
    var isBroken = false

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        check(!isBroken) { "this dispatcher is broken" }
        Dispatchers.Default.dispatch(context, block)
    }
}

private fun threadsOfLogs(): List<Thread> =
    Thread.getAllStackTraces().keys.filter { it.name.startsWith(LogDispatcher.THREAD_NAME) }
