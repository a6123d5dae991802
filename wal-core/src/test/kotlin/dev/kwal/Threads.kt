package dev.kwal

import java.util.concurrent.CompletableFuture
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutionException
import java.util.concurrent.ThreadFactory
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean

/** How long a test that hangs is waited for. No test that passes depends on it. */
internal const val PATIENCE_SECONDS = 300L

/** Work on a thread of its own, and what came of it. */
internal class Running<T>(factory: ThreadFactory, work: () -> T) {
    private val outcome = CompletableFuture<T>()
    val thread: Thread = factory.newThread {
        try {
            outcome.complete(work())
        } catch (e: Throwable) {
            outcome.completeExceptionally(e)
        }
    }

    init {
        thread.isDaemon = true
        thread.start()
    }

    /** The thread waits for another, or for time. Work that is over will never wait: looking for it to is a failure. */
    val isWaiting: Boolean
        get() {
            check(!isDone) { "the work is over, and was expected to wait" }
            return thread.state == Thread.State.WAITING || thread.state == Thread.State.TIMED_WAITING
        }

    val isDone get() = outcome.isDone

    /** What the work returned or threw. */
    fun result(): T = try {
        outcome.get(PATIENCE_SECONDS, TimeUnit.SECONDS)
    } catch (e: ExecutionException) {
        throw e.cause ?: e
    }
}

internal fun <T> running(work: () -> T) = Running(::Thread, work)

/** Virtual threads, which the JDK has from 21 on; looked up, because tests are compiled for 17. */
internal object Virtual : ThreadFactory {
    val areThere = Runtime.version().feature() >= 21

    override fun newThread(task: Runnable): Thread {
        val builder = Thread::class.java.getMethod("ofVirtual").invoke(null)
        return Class.forName("java.lang.Thread\$Builder").getMethod("unstarted", Runnable::class.java)
            .invoke(builder, task) as Thread
    }

    fun isVirtual(thread: Thread) = areThere && Thread::class.java.getMethod("isVirtual").invoke(thread) as Boolean
}

/** Looks again and again until something is so that other threads bring about. */
internal fun awaitUntil(isSo: () -> Boolean) {
    val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS)
    while (!isSo()) {
        check(System.nanoTime() < end) { "waited in vain" }
        Thread.onSpinWait()
    }
}

/** A place where a thread stops until it is let on. */
internal class Gate {
    private val reached = CountDownLatch(1)
    private val opened = CountDownLatch(1)

    /** Stops here; to be called by the thread that shall wait. */
    fun pass() {
        reached.countDown()
        awaitUninterruptibly(opened)
    }

    /** Waits until somebody stands here. */
    fun awaitSomebody() = awaitUninterruptibly(reached)

    fun open() = opened.countDown()

    private fun awaitUninterruptibly(latch: CountDownLatch) {
        var wasInterrupted = false
        while (true) {
            try {
                check(latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) { "waited in vain" }
                break
            } catch (_: InterruptedException) {
                wasInterrupted = true
            }
        }
        if (wasInterrupted) Thread.currentThread().interrupt()
    }
}

/** Stops the first call whose name begins so, until the gate is opened. */
internal fun WatchedStore.stopAt(call: String): Gate {
    val gate = Gate()
    val isFirst = AtomicBoolean(true)
    before = { if (it.startsWith(call) && isFirst.compareAndSet(true, false)) gate.pass() }
    return gate
}
