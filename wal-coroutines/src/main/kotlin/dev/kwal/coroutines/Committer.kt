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
import java.nio.ByteBuffer

/**
 * The one coroutine that brings records to one level, on the log's dispatcher: it takes all callers that queued up during
 * its last commit and asks the log once.
 *
 * Always: whoever is in the queue is settled, whatever is thrown, and has one of [MAX_WAITING] permits until then. More
 * callers suspend before they enter. Tickets have permits of their own: they are reserved before their record waits for
 * room, and who holds one kind must never wait for another of the same.
 *
 * @param settleClosed settles who comes when nobody is let in any more
 */
internal class Committer(
    private val wal: Wal,
    private val level: Durability,
    private val logDispatcher: LogDispatcher,
    private val completions: Completions,
    private val settleClosed: (LevelWaiter, Durability) -> Unit,
) {
    private val queue = Channel<Waiter>(Channel.UNLIMITED)
    private val permits = Semaphore(MAX_WAITING)
    private val ticketPermits = Semaphore(MAX_WAITING)
    internal val loop: Job = CoroutineScope(logDispatcher.dispatcher).launch { commitGroups() }

    /**
     * Suspends until the records up to [lsn] have reached the level.
     *
     * @param isAccepted whether the record was appended by this caller
     * @return [lsn] if so, otherwise the last LSN at the level
     */
    suspend fun reach(lsn: Long, isAccepted: Boolean): Long =
        if (permits.tryAcquire()) reachNow(lsn, isAccepted) else reachInTurn(lsn, isAccepted)

    private suspend fun reachNow(lsn: Long, isAccepted: Boolean): Long =
        suspendCancellableCoroutine { enter(Caller(lsn, isAccepted, it)) }

    private suspend fun reachInTurn(lsn: Long, isAccepted: Boolean): Long {
        permits.acquire()
        return reachNow(lsn, isAccepted)
    }

    /**
     * Suspends until the work is done, with copies of the records.
     *
     * @throws ClosedSendChannelException if nobody is let in any more
     */
    suspend fun perform(records: List<ByteBuffer>, work: (List<ByteBuffer>) -> Long): Long {
        currentCoroutineContext().ensureActive()
        val task = Task(currentCoroutineContext(), records, work)
        try {
            permits.acquire()
            val entered = queue.trySend(task)
            if (entered.isFailure) {
                permits.release()
                throw entered.exceptionOrNull() ?: ClosedSendChannelException("the log is closed")
            }
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

    private fun enter(waiter: LevelWaiter) {
        val entered = queue.trySend(waiter)
        if (entered.isSuccess) return
        release(waiter)
        val why = entered.exceptionOrNull()
        if (why == null || why is ClosedSendChannelException) {
            settleClosed(waiter, level)
        } else {
            completions.settle(listOf(waiter), Result.failure(why))
        }
    }

    private fun release(waiter: Waiter) = (if (waiter is TicketHolder) ticketPermits else permits).release()

    /** Lets nobody in any more, and returns when everybody inside is settled. */
    suspend fun drain() {
        queue.close()
        loop.join()
    }

    private suspend fun commitGroups() {
        var group = Group()
        try {
            for (first in queue) {
                group.add(first)
                while (group.size < MAX_WAITING) group.add(queue.tryReceive().getOrNull() ?: break)
                commit(group.levelWaiters)
                group.tasks.forEach { task -> task.perform()?.let { completions.settle(listOf(task), it) } }
                group.forEach(::release)
                group = Group()
                logDispatcher.letOthersRun()
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
            completions.settle(waiters, outcome)
        }
    }

    /** Leaves nobody waiting when this coroutine itself fails, of lack of memory for example. */
    private fun dismiss(group: Group, thrown: Throwable) {
        val ended = IllegalStateException("the committer of the log failed; close the log and open it again", thrown)
        queue.close(ended)
        generateSequence { queue.tryReceive().getOrNull() }.forEach(group::add)
        completions.settle(group.levelWaiters, Result.failure(ended))
        completions.settle(group.tasks, Result.failure(ended))
        group.forEach(::release)
    }

    /** Who is served by one commit, and by what is done after it. */
    private class Group {
        val levelWaiters = ArrayList<LevelWaiter>()
        val tasks = ArrayList<Task>()

        val size: Int get() = levelWaiters.size + tasks.size

        fun add(waiter: Waiter) {
            when (waiter) {
                is LevelWaiter -> levelWaiters.add(waiter)
                is Task -> tasks.add(waiter)
            }
        }

        inline fun forEach(action: (Waiter) -> Unit) {
            levelWaiters.forEach(action)
            tasks.forEach(action)
        }
    }

    companion object {
        /** How many may wait at a time, and how many may hold tickets. */
        const val MAX_WAITING = 1 shl 16
    }
}
