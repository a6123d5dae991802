package dev.kwal

import java.util.concurrent.AbstractExecutorService
import java.util.concurrent.Callable
import java.util.concurrent.Delayed
import java.util.concurrent.FutureTask
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.ScheduledExecutorService
import java.util.concurrent.ScheduledFuture
import java.util.concurrent.TimeUnit

/** Background work that happens when the test says so, on the thread of the test. */
internal class ManualExecutor :
    AbstractExecutorService(),
    ScheduledExecutorService {
    private val tasks = LinkedBlockingQueue<Runnable>()
    private val timers = LinkedBlockingQueue<Timer<*>>()

    @Volatile
    private var isStopped = false

    val hasTimers get() = timers.isNotEmpty()

    /** Runs all tasks, and those that they bring. */
    fun run() {
        while (true) (tasks.poll() ?: return).run()
    }

    /** Lets all timers that are set now go off, then runs all tasks. */
    fun fireTimers() {
        List(timers.size) { timers.remove() }.forEach { it.run() }
        run()
    }

    override fun execute(task: Runnable) {
        if (isStopped) throw RejectedExecutionException("stopped")
        tasks.add(task)
    }

    override fun <T> schedule(task: Callable<T>, delay: Long, unit: TimeUnit): ScheduledFuture<T> {
        if (isStopped) throw RejectedExecutionException("stopped")
        return Timer(task, unit.toNanos(delay)).also(timers::add)
    }

    override fun schedule(task: Runnable, delay: Long, unit: TimeUnit): ScheduledFuture<*> =
        schedule(Callable { task.run() }, delay, unit)

    override fun scheduleAtFixedRate(task: Runnable, initial: Long, period: Long, unit: TimeUnit) =
        throw UnsupportedOperationException()

    override fun scheduleWithFixedDelay(task: Runnable, initial: Long, delay: Long, unit: TimeUnit) =
        throw UnsupportedOperationException()

    override fun shutdown() {
        isStopped = true
        timers.clear()
    }

    override fun shutdownNow(): List<Runnable> {
        shutdown()
        return List(tasks.size) { tasks.remove() }
    }

    override fun isShutdown() = isStopped

    override fun isTerminated() = isStopped && tasks.isEmpty()

    override fun awaitTermination(timeout: Long, unit: TimeUnit) = isTerminated

    private class Timer<T>(task: Callable<T>, private val delayNanos: Long) :
        FutureTask<T>(task),
        ScheduledFuture<T> {
        override fun getDelay(unit: TimeUnit) = unit.convert(delayNanos, TimeUnit.NANOSECONDS)

        override fun compareTo(other: Delayed) =
            getDelay(TimeUnit.NANOSECONDS).compareTo(other.getDelay(TimeUnit.NANOSECONDS))
    }
}
