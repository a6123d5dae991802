package dev.kwal.coroutines

import dev.kwal.Durability
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.booleans.shouldBeFalse
import io.kotest.matchers.booleans.shouldBeTrue
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import java.util.concurrent.ArrayBlockingQueue
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.ThreadPoolExecutor.CallerRunsPolicy
import java.util.concurrent.TimeUnit

/** Callers of every kind: what they get, on which thread, and whom they hold up. */
class CallersSpec :
    StringSpec({
        "callers in runBlocking append and read" {
            withLog { log, _ ->
                val threads = List(8) { number ->
                    Thread {
                        runBlocking {
                            val lsn = log.appendAndSync("$number".toByteArray())
                            check(log.read(lsn).text() == "$number")
                        }
                    }
                }
                blocking {
                    threads.forEach { it.start() }
                    threads.forEach { it.join() }
                }
                log.texts() shouldContainExactlyInAnyOrder List(8) { "$it" }
            }
        }

        "callers who block every shared I/O thread until they hear from the log do hear from it" {
            withLog { log, store ->
                store.holdSyncs()
                val callers = List(64) {
                    async(Dispatchers.IO) {
                        runBlocking { log.appendAndSync("a".toByteArray()) }
                    }
                }
                untilCallersWait()
                store.awaitHeldSync()
                store.release()
                callers.awaitAll().toSet() shouldBe (1L..64L).toSet()
            }
        }

        "callers on ${if (HAS_VIRTUAL_THREADS) "virtual threads" else "platform threads, for want of virtual ones"}" {
            withLog { log, _ ->
                virtualOrPlatformThreads().asCoroutineDispatcher().use { threads ->
                    val callers = List(200) { number ->
                        async(threads) {
                            isVirtual(Thread.currentThread()) shouldBe HAS_VIRTUAL_THREADS
                            log.append("$number".toByteArray(), Durability.entries[number % 3])
                        }
                    }
                    callers.awaitAll().toSet() shouldBe (1L..200L).toSet()
                }
                log.sync() shouldBe 200
            }
        }

        "an event loop goes round while a flush is held" {
            withLog { log, store ->
                EventLoop().use { loop ->
                    store.holdSyncs()
                    val caller = async(loop.dispatcher) { log.appendAndSync("a".toByteArray()) }
                    blocking { store.awaitHeldSync() }
                    val ticket = async(loop.dispatcher) { log.appendAsync(ByteBuffer.allocate(1), Durability.SYNCED) }
                    ticket.await().lsn shouldBe 2
                    withContext(loop.dispatcher) { log.tryAppend(ByteBuffer.allocate(1)) } shouldBe 3
                    caller.isCompleted.shouldBeFalse()
                    store.release()
                    caller.await() shouldBe 1
                }
            }
        }

        "ten thousand callers who wait share few flushes" {
            withLog { log, store ->
                log.append("begins the segment".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                val callers = List(10_000) { async { log.appendAndSync(ByteArray(10)) } }
                untilCallersWait()
                log.lastLsn shouldBe 10_001
                store.release()
                callers.awaitAll().toSet() shouldBe (2L..10_001L).toSet()
                store.syncCount.get() shouldBeLessThanOrEqual 2
            }
        }

        "callers whose executor runs them where they are resumed hold up nobody, and never have the log's threads" {
            withLog { log, store ->
                val blocked = CountDownLatch(1)
                val resumedOn = ConcurrentHashMap.newKeySet<String>()
                log.append("begins the segment".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                val full = ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, ArrayBlockingQueue(1), CallerRunsPolicy())
                val callers = List(20) {
                    launch(start = CoroutineStart.UNDISPATCHED, context = full.asCoroutineDispatcher()) {
                        log.appendAndSync("a".toByteArray())
                        resumedOn.add(Thread.currentThread().name)
                        blocked.await()
                    }
                }
                store.release()
                try {
                    repeat(3) { log.appendAndSync("b".toByteArray()) }
                    log.sync() shouldBe 24
                } finally {
                    blocked.countDown()
                }
                callers.forEach { it.join() }
                full.shutdown()
                resumedOn.filter { it.startsWith(LogDispatcher.THREAD_NAME) } shouldBe emptyList()
            }
        }

        "an unconfined caller that blocks after its call holds up nobody" {
            withLog { log, store ->
                val blocked = CountDownLatch(1)
                val resumedOn = ConcurrentHashMap.newKeySet<String>()
                // With a segment begun, each caller's record is accepted before the next caller comes.
                log.append("begins the segment".toByteArray(), Durability.BUFFERED)
                // A caller whose record is durable before it waits goes on at once, and would block this thread.
                store.holdSyncs()
                val unconfined = List(100) {
                    unconfined().launch {
                        log.appendAndSync("a".toByteArray())
                        resumedOn.add(Thread.currentThread().name)
                        blocked.await()
                    }
                }
                store.release()
                try {
                    repeat(3) { log.appendAndSync("b".toByteArray()) }
                    log.sync() shouldBe 104
                } finally {
                    blocked.countDown()
                }
                unconfined.forEach { it.join() }
                resumedOn.filter { it.startsWith(LogDispatcher.THREAD_NAME) } shouldBe emptyList()
            }
        }

        "an unconfined caller never goes on on the log's thread" {
            withLog { log, store ->
                log.append("a".toByteArray(), Durability.BUFFERED)
                val calls: List<suspend () -> Unit> = listOf(
                    { log.appendAndSync("a".toByteArray()) },
                    { log.append(ByteArray(LARGE), Durability.WRITTEN) },
                    { log.appendAsync(ByteBuffer.allocate(1), Durability.SYNCED).reached.await() },
                    { log.sync() },
                    { log.rotate() },
                    { log.checkpoint(0) },
                    { log.truncateAfter(log.lastLsn) },
                    { log.read(1) },
                    { log.replay().toList() },
                    { log.follow().take(1).toList() },
                    { log.close() },
                )
                for (call in calls) {
                    store.holdSyncs()
                    store.holdAppends()
                    val thread = async(Dispatchers.Unconfined) {
                        call()
                        Thread.currentThread().name
                    }
                    store.release()
                    thread.await().startsWith(LogDispatcher.THREAD_NAME).shouldBeFalse()
                }
            }
        }

        "collectors of the states who are unconfined and block hold up no caller" {
            withLog { log, _ ->
                val blocked = CountDownLatch(1)
                val collected = CountDownLatch(2)
                val collectors = listOf(
                    unconfined().launch {
                        log.durableLsn.first { it > 0 }
                        collected.countDown()
                        blocked.await()
                    },
                    unconfined().launch {
                        log.state.first { it == LogState.Closed }
                        collected.countDown()
                        blocked.await()
                    },
                )
                try {
                    repeat(10) { log.appendAndSync("a".toByteArray()) }
                    log.read(1).text() shouldBe "a"
                    log.close()
                    blocking { collected.await() }
                } finally {
                    blocked.countDown()
                }
                collectors.forEach { it.join() }
            }
        }

        "no thread of a caller does I/O, whatever it calls" {
            val calls = ConcurrentHashMap<String, Int>()
            val wrong = ConcurrentHashMap.newKeySet<String>()
            val store = HookedStore { call ->
                calls.merge(call, 1, Int::plus)
                val thread = Thread.currentThread()
                // Callers on shared threads show by their code on the stack.
                val frames = thread.stackTrace
                if (thread.name.startsWith(CALLER) || frames.any { "workload" in it.className + it.methodName }) {
                    wrong.add("$call on ${thread.name}: ${frames.toList()}")
                }
            }
            Executors.newFixedThreadPool(3) { Thread(it, "$CALLER pool") }.asCoroutineDispatcher().use { pool ->
                EventLoop("$CALLER event loop").use { loop ->
                    runTest { everyCaller(store, listOf(pool, loop.dispatcher)) }
                    blocking(CALLER) { runBlocking { everyCaller(store, emptyList()) } }
                }
            }
            wrong shouldBe emptySet()
            withClue(calls) {
                calls.keys.containsAll(EVERY_CALL).shouldBeTrue()
            }
        }
    })

private const val CALLER = "caller"

private val EVERY_CALL =
    setOf("lock", "unlock", "segments", "create", "open", "resume", "delete") +
        setOf("append", "sync", "prepare", "close writer", "read", "size", "close reader")

private fun unconfined() = CoroutineScope(Job() + Dispatchers.Unconfined)

private fun blocking(name: String, block: () -> Unit) {
    var thrown: Throwable? = null
    val thread = Thread({ thrown = runCatching(block).exceptionOrNull() }, name)
    thread.start()
    thread.join()
    thrown?.let { throw it }
}

/** Opens, uses and closes a log in each way, from callers on [dispatchers], Default, Unconfined and the one at hand. */
private suspend fun everyCaller(store: HookedStore, dispatchers: List<CoroutineDispatcher>) {
    val options = TINY_BUFFER.withSegmentBytes(1 shl 12)
    repeat(2) { turn ->
        val log = SuspendingWal.open(store, options)
        val scope = CoroutineScope(Job() + Dispatchers.Default)
        val followers =
            List(2) { scope.launch { runCatching { log.follow(0, Durability.entries[1 + it]).collect { } } } }
        val all = dispatchers + Dispatchers.Default + Dispatchers.Unconfined
        all.map { scope.async(it) { workload(log) } }.awaitAll()
        workload(log)
        log.checkpoint(log.lastLsn)
        if (turn == 0) scope.cancel()
        val closing = dispatchers.firstOrNull() ?: Dispatchers.Unconfined
        withContext(closing) { log.close() }
        followers.forEach { it.join() }
        scope.cancel()
    }
    val reader = SuspendingWal.openReadOnly(store, options)
    reader.replay().toList()
    reader.close()
}

private suspend fun workload(log: SuspendingWal) {
    repeat(30) { number ->
        val level = Durability.entries[number % 3]
        val lsn = log.append(ByteArray(500), level)
        log.appendBatch(List(3) { ByteBuffer.allocate(300) }, level)
        log.appendAsync(ByteBuffer.allocate(LARGE / 10), level).reached.await()
        log.tryAppend(ByteBuffer.allocate(100))
        if (number % 5 == 0) log.append(ByteArray(LARGE), level)
        runCatching { log.read(lsn) }
        if (number % 7 == 0) runCatching { log.replay().toList() }
        if (number % 6 == 0) log.sync()
        if (number % 10 == 0) log.rotate()
        // A record that another caller gave up meanwhile cannot be dropped.
        if (number % 9 == 0) runCatching { log.checkpoint(lsn) }
        if (number % 15 == 0) runCatching { log.truncateAfter(log.lastLsn) }
    }
}

private val HAS_VIRTUAL_THREADS = Runtime.version().feature() >= 21

/** By reflection: the tests are compiled for Java 17. */
private fun virtualOrPlatformThreads(): ExecutorService = if (HAS_VIRTUAL_THREADS) {
    Executors::class.java.getMethod("newVirtualThreadPerTaskExecutor").invoke(null) as ExecutorService
} else {
    Executors.newCachedThreadPool()
}

private fun isVirtual(thread: Thread): Boolean =
    HAS_VIRTUAL_THREADS && Thread::class.java.getMethod("isVirtual").invoke(thread) as Boolean
