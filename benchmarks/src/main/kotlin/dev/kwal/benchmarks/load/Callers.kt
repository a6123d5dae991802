package dev.kwal.benchmarks.load

import com.sun.management.ThreadMXBean
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.lang.management.ManagementFactory
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ThreadFactory
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicReference
import java.util.concurrent.atomic.LongAdder

/** The threads that call a log. */
internal enum class ThreadKind(val title: String) {
    PLATFORM("threads") {
        override fun factory() = ThreadFactory { Thread(it) }
    },

    /** From JDK 21 on; looked up, because this is compiled for 17. */
    VIRTUAL("virtual threads") {
        override fun factory(): ThreadFactory {
            val builder = Thread::class.java.getMethod("ofVirtual").invoke(null)
            return Class.forName("java.lang.Thread\$Builder").getMethod("factory").invoke(builder) as ThreadFactory
        }
    }, ;

    abstract fun factory(): ThreadFactory

    companion object {
        val hasVirtual: Boolean = Runtime.version().feature() >= 21
    }
}

/**
 * What callers did together.
 *
 * @property allocatedBytes what they allocated on the heap, or -1 where it is not known
 */
internal data class Tally(val operations: Long, val seconds: Double, val allocatedBytes: Long = -1) {
    val perSecond: Double get() = operations / seconds
    val allocatedPerOperation: Double?
        get() = if (allocatedBytes < 0 || operations == 0L) null else allocatedBytes.toDouble() / operations
}

/** One operation of one caller. */
internal fun interface Operation {
    fun run()
}

/** Many threads that do the same, over and over. */
internal class Callers(private val count: Int, private val kind: ThreadKind = ThreadKind.PLATFORM) {
    /**
     * Lets all of them work for so many seconds, or until each did [limit] operations. Each has an operation of its
     * own. The time counts from the moment at which all are there to the end of the last.
     */
    fun work(seconds: Double, limit: Long = Long.MAX_VALUE, operation: () -> Operation): Tally {
        val ready = CountDownLatch(count)
        val go = CountDownLatch(1)
        val done = CountDownLatch(count)
        val stop = AtomicBoolean()
        val operations = LongAdder()
        val allocated = LongAdder()
        val failure = AtomicReference<Throwable>()
        val factory = kind.factory()
        repeat(count) {
            factory.newThread {
                try {
                    val mine = operation()
                    ready.countDown()
                    go.await()
                    val before = allocatedByThisThread()
                    var times = 0L
                    while (times < limit && !stop.get()) {
                        mine.run()
                        times++
                    }
                    operations.add(times)
                    allocated.add(allocatedByThisThread() - before)
                } catch (e: Throwable) {
                    failure.compareAndSet(null, e)
                    ready.countDown()
                } finally {
                    done.countDown()
                }
            }.start()
        }
        ready.await()
        val start = System.nanoTime()
        go.countDown()
        done.await((seconds * 1e9).toLong(), TimeUnit.NANOSECONDS)
        stop.set(true)
        done.await()
        val took = (System.nanoTime() - start) / 1e9
        failure.get()?.let { throw IllegalStateException("a caller failed", it) }
        return Tally(operations.sum(), took, if (kind == ThreadKind.PLATFORM) allocated.sum() else -1)
    }

    private fun allocatedByThisThread(): Long =
        if (kind == ThreadKind.PLATFORM) MEMORY.getThreadAllocatedBytes(Thread.currentThread().id) else 0

    private companion object {
        private val MEMORY = ManagementFactory.getThreadMXBean() as ThreadMXBean
    }
}

/** Many coroutines that do the same, over and over, for so many seconds. */
internal fun coroutinesWork(count: Int, seconds: Double, operation: suspend () -> Unit): Tally {
    val stop = AtomicBoolean()
    val operations = LongAdder()
    val start = System.nanoTime()
    runBlocking(Dispatchers.Default) {
        repeat(count) {
            launch {
                var times = 0L
                while (!stop.get()) {
                    operation()
                    times++
                }
                operations.add(times)
            }
        }
        delay((seconds * 1e3).toLong())
        stop.set(true)
    }
    return Tally(operations.sum(), (System.nanoTime() - start) / 1e9)
}
