package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.ClosedSendChannelException
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.coroutines.sync.Semaphore
import kotlinx.coroutines.yield
import java.nio.ByteBuffer

/**
 * The one coroutine that brings records to one level, on the log's dispatcher: it takes all callers that queued up during
 * its last commit and asks the log once.
 *
 * Always: whoever is in the queue is settled, whatever is thrown, and has one of [MAX_WAITING] permits until then. More
 * callers suspend before they enter. Tickets have permits of their own: they are reserved before their record waits for
 * room, and who holds one kind must never wait for another of the same.
 */
internal class Committer(
    private val wal: Wal,
    private val level: Durability,
    logDispatcher: LogDispatcher,
    private val completions: Completions,
) {
    private val queue = Channel<Waiter>(Channel.UNLIMITED)
    private val permits = Semaphore(MAX_WAITING)
    private val ticketPermits = Semaphore(MAX_WAITING)
    internal val loop: Job = CoroutineScope(logDispatcher.dispatcher).launch { commitGroups() }

    /**
     * Suspends until the records up to [lsn] have reached the level.
     *
     * @throws ClosedSendChannelException if nobody is let in any more
     */
    suspend fun reach(lsn: Long): Long {
        permits.acquire()
        return suspendCancellableCoroutine { enter(Caller(lsn, it)) }
    }

    /** Suspends until the work is done, with copies of the records. */
    suspend fun perform(records: List<ByteBuffer>, work: (List<ByteBuffer>) -> Long): Long {
        currentCoroutineContext().ensureActive()
        val task = Task(currentCoroutineContext(), records, work)
        try {
            permits.acquire()
            enter(task)
            return task.await()
        } catch (cancelled: CancellationException) {
            task.withdraw()
            throw cancelled
        }
    }

    /** Suspends until there is room for one more [ticket], which has to be taken or given back. */
    suspend fun reserveTicket() = ticketPermits.acquire()

    fun giveTicketBack() = ticketPermits.release()

    /** Completes when the records up to [lsn] have reached the level. */
    fun ticket(lsn: Long): Deferred<Long> = CompletableDeferred<Long>().also { enter(TicketHolder(lsn, it)) }

    private fun enter(waiter: Waiter) {
        val entered = queue.trySend(waiter)
        if (entered.isSuccess) return
        release(waiter)
        throw entered.exceptionOrNull() ?: ClosedSendChannelException("the log is closed")
    }

    private fun release(waiter: Waiter) = (if (waiter is TicketHolder) ticketPermits else permits).release()

    /** Lets nobody in any more, and returns when everybody inside is settled. */
    suspend fun drain() {
        queue.close()
        loop.join()
    }

    private suspend fun commitGroups() {
        val group = ArrayList<Waiter>()
        try {
            for (first in queue) {
                group.add(first)
                while (group.size < MAX_WAITING) group.add(queue.tryReceive().getOrNull() ?: break)
                commit(group.filterIsInstance<LevelWaiter>())
                group.filterIsInstance<Task>().forEach { task -> task.perform()?.let { settle(listOf(task), it) } }
                group.forEach(::release)
                group.clear()
                yield()
            }
        } catch (thrown: Throwable) {
            dismiss(group, thrown)
        }
    }

    /** A caller who asked for what cannot be does not spoil it for the others: then everybody is served alone. */
    private fun commit(waiters: List<LevelWaiter>) {
        if (waiters.isEmpty()) return
        val outcome = runCatching { wal.commit(waiters.maxOf { it.lsn }, level) }
        if (outcome.exceptionOrNull() is IllegalArgumentException && waiters.size > 1) {
            waiters.forEach { commit(listOf(it)) }
        } else {
            settle(waiters, outcome)
        }
    }

    private fun settle(waiters: List<Waiter>, outcome: Result<Long>) = completions.settle(waiters, outcome)

    /** Leaves nobody waiting when this coroutine itself fails, of lack of memory for example. */
    private fun dismiss(group: List<Waiter>, thrown: Throwable) {
        val ended = IllegalStateException("the committer of the log failed; close the log and open it again", thrown)
        queue.close(ended)
        val left = group.toList() + generateSequence { queue.tryReceive().getOrNull() }
        completions.settle(left, Result.failure(ended))
        left.forEach(::release)
    }

    companion object {
        /** How many may wait at a time, and how many may hold tickets. */
        const val MAX_WAITING = 1 shl 16
    }
}
