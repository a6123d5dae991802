package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.kills.Stamp
import dev.kwal.resources.Resources
import dev.kwal.storage.FileStore
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.isActive
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runInterruptible
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import java.io.InterruptedIOException
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger
import kotlin.random.Random
import kotlin.time.Duration.Companion.days

/** `-Dstorm.interrupts` and `-Dstorm.seed` for another. */
private val INTERRUPTS = Integer.getInteger("storm.interrupts", 2_000)

class CancellationStormSpec :
    StringSpec({
        val seed = System.getProperty("storm.seed")?.toLong() ?: Random.nextInt().toLong()

        "a storm of $INTERRUPTS interrupts and many more cancellations takes no record and no follower's place"
            .config(timeout = 365.days) {
                val directory = tempdir().toPath()
                withClue("-Dstorm.seed=$seed") {
                    val storm = CancellationStorm(seed)
                    SuspendingWal.open(FileStore.of(directory).withRecycling(1), STORMY).use { log ->
                        withContext(Dispatchers.Default) { storm.over(log) }
                    }
                    Wal.open(FileStore.of(directory), STORMY).use(storm::check)
                    storm.interrupts shouldBeGreaterThanOrEqual INTERRUPTS
                }
            }
    })

private val STORMY: WalOptions = WalOptions.DEFAULT
    .withSegmentBytes(16 shl 10)
    .withBufferBytes(8 shl 10)
    .withFlushInterval(Duration.ofMillis(1))

/**
 * Coroutines that do everything with a log, each call of theirs cancelled at random. Calls that block are interrupted by
 * that, and the log's own threads are interrupted all the time.
 */
private class CancellationStorm(private val seed: Long) {
    private val appended = ConcurrentHashMap<Long, Stamp>()
    private val endured = AtomicInteger()

    /** How often a thread was interrupted while it was in the log. */
    val interrupts get() = endured.get()

    suspend fun over(log: SuspendingWal) = coroutineScope {
        val workers = List(WORKERS) { launch { work(log, it) } }
        val calm = CompletableDeferred<Long>()
        val followers =
            List(2) { launch { follow(log, Random(seed - it), calm) } } + launch { followBlocking(log, calm) }
        val interrupting = launch {
            val random = Random(seed)
            while (isActive) {
                Resources.threadsByName { it.startsWith("kwal-") }.forEach(Thread::interrupt)
                repeat(random.nextInt(100)) { yield() }
            }
        }
        workers.joinAll()
        interrupting.cancelAndJoin()
        calm.complete(log.sync())
        followers.joinAll()
    }

    private suspend fun work(log: SuspendingWal, worker: Int) {
        val random = Random(seed * 31 + worker)
        var number = 0
        while (endured.get() < INTERRUPTS) {
            val count = 1 + random.nextInt(3)
            val stamps = List(count) { Stamp(0, worker, number, it, count) }
            number++
            cancelled(random) { call(log, random, stamps) }
        }
    }

    /** Carries out a call that is cancelled before it, during it or after it; the caller is not. */
    private suspend fun cancelled(random: Random, call: suspend () -> Unit) = coroutineScope {
        val start = if (random.nextBoolean()) CoroutineStart.UNDISPATCHED else CoroutineStart.DEFAULT
        val job = launch(start = start) { call() }
        repeat(random.nextInt(30)) { yield() }
        job.cancelAndJoin()
    }

    private suspend fun call(log: SuspendingWal, random: Random, stamps: List<Stamp>) {
        val records = stamps.map { ByteBuffer.wrap(it.record()) }
        val level = Durability.entries.random(random)
        when (random.nextInt(12)) {
            0 -> log.sync()

            1 -> log.rotate()

            2 -> log.checkpoint(0)

            3 -> blocking { log.asBlocking().sync() }

            4 -> blocking { log.asBlocking().rotate() }

            5 -> blocking { accept(log.asBlocking().appendBatch(records, level, LONG), stamps) }

            6, 7, 8 -> blocking { accept(log.asBlocking().appendBatch(records, level), stamps) }

            9 -> {
                val ticket = log.appendBatchAsync(records, level)
                accept(ticket.lsn, stamps)
                ticket.reached.await()
            }

            else -> accept(log.appendBatch(records, level), stamps)
        }
    }

    /** A call of the blocking log: cancelling interrupts its thread, and the call ends as if it had not. */
    private suspend fun blocking(call: () -> Unit) = runInterruptible(Dispatchers.IO) {
        call()
        if (Thread.currentThread().isInterrupted) endured.incrementAndGet()
    }

    private fun accept(lastLsn: Long, stamps: List<Stamp>) =
        stamps.forEach { appended[lastLsn - stamps.size + 1 + it.position] = it }

    /** Sees every record once, in order, although collecting is cancelled again and again until [calm] tells the last. */
    private suspend fun follow(log: SuspendingWal, random: Random, calm: Deferred<Long>) = coroutineScope {
        var due = 1L
        while (!calm.isCompleted) {
            val collecting = launch {
                log.follow(due).collect {
                    check(it.lsn() == due++) { "record ${it.lsn()} came where ${due - 1} was due" }
                    Stamp.of(it.toByteArray())
                }
            }
            repeat(random.nextInt(200)) { yield() }
            collecting.cancelAndJoin()
        }
        val last = calm.await()
        if (due <= last) log.follow(due).take((last - due + 1).toInt()).collect { check(it.lsn() == due++) }
    }

    private suspend fun followBlocking(log: SuspendingWal, calm: Deferred<Long>) = coroutineScope {
        var due = 1L
        log.asBlocking().follow(1).use { cursor ->
            while (!calm.isCompleted) {
                val waiting = launch {
                    runInterruptible(Dispatchers.IO) {
                        try {
                            while (cursor.next()) check(cursor.lsn() == due++)
                        } catch (_: InterruptedIOException) {
                            endured.incrementAndGet()
                        }
                    }
                }
                repeat(100) { yield() }
                waiting.cancelAndJoin()
            }
            val last = calm.await()
            while (due <= last) check(cursor.next() && cursor.lsn() == due++)
        }
    }

    fun check(wal: Wal) {
        var lsn = 0L
        wal.replay(1).use { cursor ->
            while (cursor.next()) {
                lsn++
                val stamp = Stamp.of(cursor.record().toByteArray())
                val told = appended.remove(lsn)
                check(told == null || told == stamp) { "record $lsn is $stamp, and $told was told" }
            }
        }
        check(appended.isEmpty()) { "lost: $appended" }
    }

    private companion object {
        const val WORKERS = 6
        val LONG: Duration = Duration.ofDays(1)
    }
}
