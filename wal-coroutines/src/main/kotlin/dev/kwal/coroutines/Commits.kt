package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalWriter
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.channels.ClosedSendChannelException
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext

/**
 * Brings what suspending callers append to the level they ask for, by a [Committer] for each level.
 *
 * Always: what was accepted before the log was closed has its outcome told, if need be when closing is over. The way of a
 * record that finds room has one suspension, at its end, so that waiting allocates little more than a [Waiter].
 */
internal class Commits(private val wal: Wal, logDispatcher: LogDispatcher, private val completions: Completions) {
    private val closed = CompletableDeferred<Unit>()
    private val writes = Committer(wal, Durability.WRITTEN, logDispatcher, completions, ::settleClosed)
    private val syncs = Committer(wal, Durability.SYNCED, logDispatcher, completions, ::settleClosed)

    @Volatile
    private var closingThrew: Throwable? = null

    suspend fun append(record: ByteBuffer, level: Durability): Long {
        admit(coroutineContext, level)
        val lsn = wal.tryAppend(record)
        return if (lsn == Wal.NO_ROOM) appendInTurn(record, level) else reachAccepted(lsn, level)
    }

    private suspend fun appendInTurn(record: ByteBuffer, level: Durability): Long =
        reachAccepted(acceptInTurn(record), level)

    suspend fun appendBatch(records: List<ByteBuffer>, level: Durability): Long {
        admit(coroutineContext, level)
        return reachAccepted(acceptBatch(records), level)
    }

    /** Whether a condition holds is for the log to say, in turn with those who wait for room. */
    suspend fun appendIf(records: List<ByteBuffer>, level: Durability, accept: (List<ByteBuffer>) -> Long): Long {
        admit(coroutineContext, level)
        return reachAccepted(perform(writes, records, accept), level)
    }

    /** With what the writer has of its own. */
    suspend fun append(writer: WalWriter, record: ByteBuffer, level: Durability): Long {
        admit(coroutineContext, level)
        val lsn = writer.tryAppend(record)
        return if (lsn != Wal.NO_ROOM) {
            reachAccepted(lsn, level)
        } else {
            appendIf(listOf(record), level) { writer.append(it.single(), Durability.BUFFERED) }
        }
    }

    suspend fun appendBatch(writer: WalWriter, records: List<ByteBuffer>, level: Durability): Long {
        admit(coroutineContext, level)
        val lsn = writer.tryAppendBatch(records)
        return if (lsn != Wal.NO_ROOM || records.isEmpty()) {
            reachAccepted(lsn, level)
        } else {
            appendIf(records, level) { writer.appendBatch(it, Durability.BUFFERED) }
        }
    }

    private suspend fun reachAccepted(lsn: Long, level: Durability): Long =
        if (level == Durability.BUFFERED) lsn else committer(level).reach(lsn, isAccepted = true)

    /** The last LSN at the level. */
    suspend fun commit(lsn: Long, level: Durability): Long {
        admit(coroutineContext, level)
        return if (level == Durability.BUFFERED) {
            wal.commit(lsn, level)
        } else {
            committer(level).reach(lsn, isAccepted = false)
        }
    }

    suspend fun appendAsync(record: ByteBuffer, level: Durability): SuspendingTicket = ticketFor(level) {
        wal.tryAppend(record).takeIf { it != Wal.NO_ROOM } ?: acceptInTurn(record)
    }

    suspend fun appendBatchAsync(records: List<ByteBuffer>, level: Durability): SuspendingTicket =
        ticketFor(level) { acceptBatch(records) }

    private suspend fun acceptInTurn(record: ByteBuffer): Long =
        perform(writes, listOf(record)) { wal.append(it.single(), Durability.BUFFERED) }

    private suspend fun acceptBatch(records: List<ByteBuffer>): Long {
        val lsn = wal.tryAppendBatch(records)
        if (lsn != Wal.NO_ROOM || records.isEmpty()) return lsn
        return perform(writes, records) { wal.appendBatch(it, Durability.BUFFERED) }
    }

    private suspend fun ticketFor(level: Durability, accept: suspend () -> Long): SuspendingTicket {
        admit(currentCoroutineContext(), level)
        if (level == Durability.BUFFERED) return accept().let { SuspendingTicket(it, CompletableDeferred(it)) }
        val committer = committer(level)
        committer.reserveTicket()
        val lsn = try {
            accept()
        } catch (thrown: Throwable) {
            committer.giveTicketBack()
            throw thrown
        }
        return SuspendingTicket(lsn, committer.ticket(lsn))
    }

    /** Does something on the log's dispatcher. Appending takes its turn among the writes, everything else among the syncs. */
    suspend fun perform(
        committer: Committer = syncs,
        records: List<ByteBuffer> = emptyList(),
        work: (List<ByteBuffer>) -> Long,
    ): Long = try {
        committer.perform(records, work)
    } catch (_: ClosedSendChannelException) {
        closed.joinElsewhere()
        work(records)
    }

    /** Lets nothing pass that is not yet accepted: neither a cancelled caller, nor a level that the store cannot give. */
    private fun admit(caller: CoroutineContext, level: Durability) {
        caller.ensureActive()
        val capabilities = wal.capabilities()
        val given = when (level) {
            Durability.BUFFERED -> true
            Durability.WRITTEN -> capabilities.survivesProcessCrash
            Durability.SYNCED -> capabilities.survivesPowerLoss
        }
        // The log refuses the level, without any I/O, and says why.
        if (!given) wal.commit(0, level)
    }

    private fun committer(level: Durability): Committer = if (level == Durability.SYNCED) syncs else writes

    /** Finishes the calls that wait, and does [closing]. */
    suspend fun closeAfter(closing: suspend () -> Unit) {
        try {
            writes.drain()
            syncs.drain()
            closing()
        } catch (t: Throwable) {
            closingThrew = t
            throw t
        } finally {
            completions.close()
            closed.complete(Unit)
        }
    }

    suspend fun awaitClosed() = closed.join()

    /** Somebody came after the last group. */
    private fun settleClosed(waiter: LevelWaiter, level: Durability) {
        closed.invokeOnCompletion {
            completions.settle(listOf(waiter), runCatching { reachedWhenClosed(waiter, level) })
        }
    }

    /** Closing has synced what was accepted. If not, what it threw says why, or the closed log does, without any I/O. */
    private fun reachedWhenClosed(waiter: LevelWaiter, level: Durability): Long {
        val closedAt = if (level == Durability.SYNCED) wal.durableLsn() else wal.writtenLsn()
        if (waiter.isAccepted && closedAt >= waiter.lsn) return closedAt
        if (waiter.isAccepted) closingThrew?.let { throw it }
        return wal.commit(waiter.lsn, level)
    }
}

/** Undispatched code must not go on where the log is closed. */
private suspend fun Job.joinElsewhere() = withContext(LogIo) { join() }
