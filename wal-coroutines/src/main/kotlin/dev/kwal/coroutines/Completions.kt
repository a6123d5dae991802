package dev.kwal.coroutines

import dev.kwal.Wal
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlin.coroutines.EmptyCoroutineContext

/**
 * Tells callers what has happened, on a dispatcher that may be blocked.
 *
 * Always: code of a caller that may block runs in a task of its own, so that it holds up nobody but that caller.
 */
internal class Completions(private val wal: Wal) {
    private val durable = MutableStateFlow(wal.durableLsn())

    val durableLsn: StateFlow<Long> = durable.asStateFlow()

    /** Ends the waiting of [waiters]: those that resume undispatched each alone, the others in one sweep. */
    fun settle(waiters: List<Waiter>, outcome: Result<Long>) {
        val (undispatched, dispatched) = waiters.partition { it.isUndispatched }
        if (dispatched.isNotEmpty()) later { dispatched.forEach { it.settle(outcome) } }
        undispatched.forEach { later { it.settle(outcome) } }
    }

    /** Brings [durableLsn] up to date. */
    fun publish() {
        if (durable.value != wal.durableLsn()) later { refresh() }
    }

    /** Several at once leave the newest value: the update starts over when another came between. */
    private fun refresh() {
        while (durable.value != wal.durableLsn()) durable.update { wal.durableLsn() }
    }

    private fun later(task: Runnable) = Dispatchers.IO.dispatch(EmptyCoroutineContext, task)
}
