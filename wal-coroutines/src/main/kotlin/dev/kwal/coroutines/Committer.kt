package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield

/**
 * The one coroutine that commits, on the log's dispatcher: it takes all callers that queued up during its last flush and
 * asks the log once for each level.
 *
 * Always: whoever is in the queue is settled, whatever is thrown. At most [MAX_WAITING] callers are in the queue and as
 * many in the group; more of them suspend before they enter.
 */
internal class Committer(
    private val wal: Wal,
    logDispatcher: LogDispatcher,
    private val completions: Completions,
) {
    private val queue = Channel<Waiter>(MAX_WAITING)
    private val loop = CoroutineScope(logDispatcher.dispatcher).launch { commitGroups() }

    /** Suspends until the records up to [lsn] have reached [level]. */
    suspend fun reach(lsn: Long, level: Durability): Long {
        val waiter = Waiter(lsn, level, currentCoroutineContext())
        queue.send(waiter)
        return waiter.await()
    }

    /** Suspends until [task] is done and its records have reached their level. */
    suspend fun perform(task: Task): Long {
        try {
            queue.send(task)
            task.await()
        } catch (cancelled: CancellationException) {
            task.withdraw()
            throw cancelled
        }
        return task.lsn
    }

    /** Lets nobody in any more, and returns when everybody inside is settled. */
    suspend fun drain() {
        queue.close()
        loop.join()
    }

    private suspend fun commitGroups() {
        val group = ArrayList<Waiter>(MAX_WAITING)
        try {
            for (first in queue) {
                group.clear()
                group.add(first)
                while (group.size < MAX_WAITING) group.add(queue.tryReceive().getOrNull() ?: break)
                commit(group)
                yield()
            }
        } catch (thrown: Throwable) {
            dismiss(group, thrown)
        }
    }

    /** Written comes before synced: who asks for less does not wait for the flush. */
    private fun commit(group: List<Waiter>) {
        val accepted = group.filter { it !is Task || performed(it) }
        for (level in Durability.entries) {
            val waiters = accepted.filter { it.level == level }
            if (waiters.isNotEmpty()) commit(waiters, level)
        }
        completions.publish()
    }

    /** Whether the task went on to wait for its level. */
    private fun performed(task: Task): Boolean {
        val thrown = runCatching { if (!task.perform()) return false }.exceptionOrNull() ?: return true
        completions.settle(listOf(task), Result.failure(thrown))
        return false
    }

    /** A caller who asked for what cannot be does not spoil it for the others: then everybody is served alone. */
    private fun commit(waiters: List<Waiter>, level: Durability) {
        val target = waiters.maxOf { it.lsn }
        val outcome = runCatching { if (level == Durability.BUFFERED) target else wal.commit(target, level) }
        if (outcome.exceptionOrNull() is IllegalArgumentException && waiters.size > 1) {
            waiters.forEach { commit(listOf(it), level) }
        } else {
            completions.settle(waiters, outcome)
        }
    }

    /** Leaves nobody waiting when this coroutine itself fails, of lack of memory for example. */
    private fun dismiss(group: List<Waiter>, thrown: Throwable) {
        val ended = IllegalStateException("the committer of the log failed; close the log and open it again", thrown)
        queue.close(ended)
        completions.settle(group.toList() + generateSequence { queue.tryReceive().getOrNull() }, Result.failure(ended))
    }

    private companion object {
        const val MAX_WAITING = 1024
    }
}
