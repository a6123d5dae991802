package dev.kwal.coroutines

import dev.kwal.Wal
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.update
import kotlin.coroutines.EmptyCoroutineContext

/**
 * Tells callers what has happened, on their own dispatchers.
 *
 * Always: a dispatcher that is blocked or throws holds up nobody but its own callers. Code of a caller that may block where
 * it is resumed runs in a task of its own, which does not need the threads of [Dispatchers.IO] that everybody shares:
 * callers who block until they hear from the log may have taken them all.
 */
internal class Completions(private val wal: Wal) {
    private val undispatchedCallers = Dispatchers.IO.limitedParallelism(MAX_BLOCKED)
    private val changeCount = MutableStateFlow(0L)
    private val observer = Runnable { changed() }

    /**
     * Changes with every change of the log, from the first look on: a log that nobody watches tells nobody. Collected by
     * code of this module only, which never blocks.
     */
    val changes: StateFlow<Long> by lazy { changeCount.also { wal.addObserver(observer) } }

    val durableLsn: StateFlow<Long> = LiveFlow({ changes }) { wal.durableLsn() }
    val state: StateFlow<LogState> = LiveFlow({ changes }) { wal.logState() }

    /** Ends the waiting of [waiters]: those of one dispatcher in one sweep on it, those that have none each alone. */
    fun settle(waiters: List<Waiter>, outcome: Result<Long>) {
        val first = waiters.firstOrNull()?.dispatcher
        if (waiters.all { it.dispatcher === first }) {
            settleOn(first, waiters, outcome)
        } else {
            waiters.groupBy { it.dispatcher }.forEach { (dispatcher, its) -> settleOn(dispatcher, its, outcome) }
        }
    }

    private fun settleOn(dispatcher: CoroutineDispatcher?, waiters: List<Waiter>, outcome: Result<Long>) {
        if (dispatcher == null) {
            waiters.forEach { later { it.settle(outcome) } }
        } else if (waiters.isNotEmpty()) {
            sweep(dispatcher, waiters, outcome)
        }
    }

    /**
     * Where they are resumed they are only queued. For those whose dispatcher is known to do no more, near the threads that go
     * on with them; another may run or block whoever dispatches to it, by an executor that is full for example.
     */
    private fun sweep(dispatcher: CoroutineDispatcher, waiters: List<Waiter>, outcome: Result<Long>) {
        val sweep = Runnable { waiters.forEach { it.settleAlone(outcome) } }
        if (dispatcher === Dispatchers.Default || dispatcher === Dispatchers.IO) {
            dispatcher.dispatch(EmptyCoroutineContext, sweep)
        } else {
            later(sweep)
        }
    }

    /** A caller whose dispatcher throws keeps nobody else in the sweep waiting. */
    private fun Waiter.settleAlone(outcome: Result<Long>) {
        try {
            settle(outcome)
        } catch (thrown: Throwable) {
            val thread = Thread.currentThread()
            thread.uncaughtExceptionHandler.uncaughtException(thread, thrown)
        }
    }

    private fun changed() = changeCount.update { it + 1 }

    /** The last thing to be told. */
    fun close() {
        wal.removeObserver(observer)
        changed()
    }

    /** Runs code of a caller that may block. */
    fun later(task: Runnable) = undispatchedCallers.dispatch(EmptyCoroutineContext, task)

    private companion object {
        /** How many callers who resume undispatched may block before others of their kind have to wait for them. */
        const val MAX_BLOCKED = 256
    }
}
