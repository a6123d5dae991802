package dev.kwal.crash

import java.util.concurrent.AbstractExecutorService
import java.util.concurrent.Callable
import java.util.concurrent.Delayed
import java.util.concurrent.FutureTask
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.ScheduledExecutorService
import java.util.concurrent.ScheduledFuture
import java.util.concurrent.TimeUnit

/** Runs background work when told to, on the thread of the script, so that a seed always gives the same order. */
internal class HandExecutor :
    AbstractExecutorService(),
    ScheduledExecutorService {
    private val tasks = ArrayDeque<Runnable>()
    private var isShutDown = false

    /** Runs what is queued now. What that queues is left for the next time. */
    fun runQueued() {
        repeat(tasks.size) { tasks.removeFirstOrNull()?.run() }
    }

    override fun execute(task: Runnable) {
        if (isShutDown) throw RejectedExecutionException()
        tasks.add(task)
    }

    override fun schedule(task: Runnable, delay: Long, unit: TimeUnit): ScheduledFuture<*> =
        schedule(Callable { task.run() }, delay, unit)

    override fun <T> schedule(task: Callable<T>, delay: Long, unit: TimeUnit): ScheduledFuture<T> =
        Scheduled(task).also(::execute)

    override fun scheduleAtFixedRate(task: Runnable, initial: Long, period: Long, unit: TimeUnit) =
        throw UnsupportedOperationException()

    override fun scheduleWithFixedDelay(task: Runnable, initial: Long, delay: Long, unit: TimeUnit) =
        throw UnsupportedOperationException()

    override fun shutdown() {
        isShutDown = true
        tasks.clear()
    }

    override fun shutdownNow(): List<Runnable> = tasks.toList().also { shutdown() }

    override fun isShutdown() = isShutDown

    override fun isTerminated() = isShutDown

    override fun awaitTermination(timeout: Long, unit: TimeUnit) = isShutDown

    private class Scheduled<T>(task: Callable<T>) :
        FutureTask<T>(task),
        ScheduledFuture<T> {
        override fun getDelay(unit: TimeUnit) = 0L

        override fun compareTo(other: Delayed) = 0
    }
}
