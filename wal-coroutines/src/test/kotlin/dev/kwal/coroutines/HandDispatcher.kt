package dev.kwal.coroutines

import kotlinx.coroutines.CoroutineDispatcher
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.MILLISECONDS
import kotlin.coroutines.CoroutineContext

/** Runs nothing by itself: a test takes what is due and runs it when it likes. */
internal class HandDispatcher : CoroutineDispatcher() {
    private val due = LinkedBlockingQueue<Runnable>()

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        due.add(block)
    }

    /** Waits until something is due, and takes it off. */
    fun take(): Runnable = checkNotNull(due.poll(PATIENCE.inWholeMilliseconds, MILLISECONDS)) { "nothing is due" }

    /** Runs what is due until [isEnough]. */
    fun runUntil(isEnough: () -> Boolean) {
        while (!isEnough()) take().run()
    }
}
