package dev.kwal.kills

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalCursor
import dev.kwal.WalOptions
import dev.kwal.WalState
import dev.kwal.resources.Resources
import dev.kwal.storage.WalStore
import java.io.InterruptedIOException
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import kotlin.random.Random

/**
 * Threads that do everything with a log, each interrupted again and again, and so are the log's own threads.
 *
 * Always: a thread whose flag was set when it called finds it set afterwards; what was accepted is there in the end.
 */
class InterruptStorm(private val store: WalStore, private val seed: Long, private val interrupts: Int) {
    private val calls = AtomicInteger()
    private val endured = AtomicInteger()
    private val appended = ConcurrentHashMap<Long, Stamp>()
    private val thrown = ConcurrentLinkedQueue<Throwable>()
    private val completions = Executors.newFixedThreadPool(2) { Thread(it, "storm-completion") }
    private val options = WalOptions.DEFAULT
        .withSegmentBytes(16 shl 10)
        .withBufferBytes(8 shl 10)
        .withFlushInterval(Duration.ofMillis(1))
        .withCompletionExecutor(completions)

    /** Returns how many interrupts were endured. */
    fun run(): Int {
        val wal = Wal.open(store, options)
        wal.addObserver { Thread.currentThread().interrupt() }
        val callers = List(WORKERS) { worker -> work(wal, worker) } + List(2) { follow(wal) }
        val random = Random(seed)
        while (endured.get() < interrupts && thrown.isEmpty()) {
            callers.random(random).interrupt()
            if (random.nextInt(100) == 0) Resources.threadsByName(::isOwn).forEach(Thread::interrupt)
            val pause = calls.get() + random.nextInt(6)
            while (calls.get() < pause && endured.get() < interrupts && thrown.isEmpty()) Thread.yield()
        }
        callers.take(WORKERS).forEach(Thread::join)
        check(thrown.isEmpty()) { "${thrown.first().stackTraceToString()}, seed $seed" }
        check(wal.state() == WalState.OPEN) { "the log is ${wal.state()}: ${wal.failure()}" }
        wal.sync()
        closeInterrupted(wal, random)
        callers.forEach(Thread::join)
        check(thrown.isEmpty()) { "${thrown.first().stackTraceToString()}, seed $seed" }
        completions.shutdown()
        Wal.open(store, options).use(::checkAppended)
        return endured.get()
    }

    private fun isOwn(name: String) = name.startsWith("kwal-") || name == "storm-completion"

    private fun work(wal: Wal, worker: Int) = caller {
        val random = Random(seed * 31 + worker)
        var number = 0
        while (endured.get() < interrupts) {
            val count = 1 + random.nextInt(3)
            val stamps = List(count) { Stamp(0, worker, number, it, count) }
            number++
            if (number % 3 == 0) Thread.currentThread().interrupt()
            enduring { call(wal, random, stamps) }
            calls.incrementAndGet()
        }
    }

    private fun call(wal: Wal, random: Random, stamps: List<Stamp>) {
        val records = stamps.map { ByteBuffer.wrap(it.record()) }
        val level = Durability.entries.random(random)
        when (random.nextInt(16)) {
            0 -> wal.sync()

            1 -> wal.sync(LONG)

            2 -> wal.commit(wal.lastLsn(), level)

            3 -> wal.rotate()

            4 -> wal.rotate(LONG)

            5 -> wal.checkpoint(0)

            6 -> wal.checkpoint(0, LONG)

            7 -> wal.lastLsn().let { if (it > 0) wal.read(1 + random.nextLong(it)) }

            8 -> wal.replay(maxOf(1, wal.lastLsn() - 20)).use { while (it.next()) it.record() }

            9 -> wal.tryAppendBatch(records).let { if (it != Wal.NO_ROOM) accept(it, stamps) }

            10 -> accept(wal.appendBatch(records, level, LONG), stamps)

            11 -> wal.appendBatchAsync(records, level).let { ticket ->
                accept(ticket.lsn(), stamps)
                await { ticket.reached().toCompletableFuture().get() }
            }

            else -> accept(wal.appendBatch(records, level), stamps)
        }
    }

    /** A wait of the JDK's own ends with the interrupt; the ticket does not. */
    private fun await(wait: () -> Unit) {
        var wasInterrupted = false
        while (true) {
            try {
                wait()
                break
            } catch (_: InterruptedException) {
                wasInterrupted = true
            }
        }
        if (wasInterrupted) Thread.currentThread().interrupt()
    }

    private fun accept(lastLsn: Long, stamps: List<Stamp>) =
        stamps.forEach { appended[lastLsn - stamps.size + 1 + it.position] = it }

    /** Sees every record up to the end of the log, although its waits end again and again. */
    private fun follow(wal: Wal) = caller {
        var due = 1L
        wal.follow(1).use { cursor ->
            while (next(cursor)) {
                check(cursor.lsn() == due++) { "record ${cursor.lsn()} came where ${due - 1} was due" }
                Stamp.of(cursor.record().toByteArray())
            }
        }
    }

    private fun next(cursor: WalCursor): Boolean {
        while (true) {
            try {
                return cursor.next()
            } catch (_: InterruptedIOException) {
                check(Thread.interrupted()) { "a wait was interrupted, and the flag is not set" }
                endured.incrementAndGet()
            }
        }
    }

    private fun enduring(call: () -> Unit) {
        val isInterrupted = Thread.currentThread().isInterrupted
        call()
        if (isInterrupted) check(Thread.currentThread().isInterrupted) { "the flag was taken away" }
        if (Thread.interrupted()) endured.incrementAndGet()
    }

    private fun caller(work: () -> Unit) = thread {
        try {
            work()
        } catch (e: Throwable) {
            thrown.add(e)
        }
    }

    /** From several threads at once, all interrupted; one of them closes, and all hear that it is done. */
    private fun closeInterrupted(wal: Wal, random: Random) {
        val closing = List(4) { number ->
            caller {
                Thread.currentThread().interrupt()
                if (number % 2 == 0) wal.close() else wal.close(LONG)
                check(Thread.currentThread().isInterrupted) { "the flag was taken away by closing" }
                check(wal.state() == WalState.CLOSED)
            }
        }
        while (closing.any(Thread::isAlive)) closing.random(random).interrupt()
    }

    private fun checkAppended(wal: Wal) {
        var lsn = 0L
        wal.replay(1).use { cursor ->
            while (cursor.next()) {
                lsn++
                val stamp = Stamp.of(cursor.record().toByteArray())
                check(appended.remove(lsn) == stamp) { "record $lsn is $stamp, which nobody appended there" }
            }
        }
        check(appended.isEmpty()) { "lost: $appended, seed $seed" }
    }

    private companion object {
        const val WORKERS = 5
        val LONG: Duration = Duration.ofDays(1)
    }
}
