package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.RecoveryReport
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.WalRecord
import dev.kwal.WalState
import dev.kwal.storage.FileStore
import dev.kwal.storage.WalStore
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.ClosedSendChannelException
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import java.nio.file.Path
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicBoolean

/**
 * A write-ahead log for coroutines: a [Wal] whose calls suspend where that one blocks. It adds waiting, not behaviour.
 *
 * Always: a record is encoded on the caller's thread, without I/O. Writes and syncs happen on the log's own dispatcher,
 * one group at a time: all callers that queue up while one flush runs share the next. A caller never resumes on that
 * dispatcher, so code that blocks after a call holds up nobody else.
 *
 * Cancellation, for every append: before the record is accepted it is certainly not in the log. Once accepted, only the
 * waiting is cancelled, at once: the record stays and commits with its group. Whoever must know the outcome appends
 * under [NonCancellable], or looks at the log.
 *
 * Threads: any. Close it with [close], or work inside [use].
 */
public class SuspendingWal internal constructor(
    private val wal: Wal,
    /** The level of appends that name none. */
    public val defaultLevel: Durability,
    private val logDispatcher: LogDispatcher,
) {
    private val completions = Completions(wal)
    private val committer = Committer(wal, logDispatcher, completions)
    private val levels: MutableSet<Durability> = ConcurrentHashMap.newKeySet<Durability>().apply {
        add(Durability.BUFFERED)
    }
    private val closing = AtomicBoolean()
    private val closed = CompletableDeferred<Unit>()

    /** The first record that can be read; `lastLsn + 1` if there is none. */
    public val firstLsn: Long get() = wal.firstLsn()

    /** The last record that was appended; `firstLsn - 1` if there is none. */
    public val lastLsn: Long get() = wal.lastLsn()

    /**
     * The last record that survives power loss. Follows the commits of this object, a moment behind the call that
     * returned; a sync by a Java thread that shares the log shows with the next of these commits. Falls with
     * [truncateAfter] only.
     */
    public val durableLsn: StateFlow<Long> get() = completions.durableLsn

    /** What the log can do now. */
    public val state: WalState get() = wal.state()

    /** What opening found and did. */
    public val recovery: RecoveryReport get() = wal.recovery()

    /** Like [append] of a [ByteBuffer]. */
    public suspend fun append(record: ByteArray, level: Durability = defaultLevel): Long =
        append(ByteBuffer.wrap(record), level)

    /**
     * Appends a record and suspends until it has reached [level]. Suspends also while the buffer is full.
     *
     * Cancellation: before the record is accepted, it is certainly not in the log. Later, it stays and commits with its
     * group. Prompt: may throw although the record has reached its level. The buffer may be used again in each case.
     *
     * @param record from its position to its limit; copied, not kept, its position and limit untouched
     * @return its LSN
     * @throws IllegalArgumentException if it is longer than the limit, or the store cannot give the level
     * @throws dev.kwal.WalNoSpaceException if no segment could be prepared; it was not appended
     * @throws dev.kwal.WalFailedException if the log has failed; the outcome of this record is unknown
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun append(record: ByteBuffer, level: Durability = defaultLevel): Long {
        admit(level)
        val lsn = wal.tryAppend(record)
        if (lsn == Wal.NO_ROOM) {
            return onLogDispatcher(level, listOf(record)) { wal.append(it.single(), Durability.BUFFERED) }
        }
        return awaitLevel(lsn, level)
    }

    /**
     * Appends records that come back all or none after a crash, with consecutive LSNs, and suspends until they have
     * reached [level].
     *
     * Cancellation: as in [append], for all of them together.
     *
     * @param records each from its position to its limit; together at most the batch limit of the options
     * @return the LSN of the last; the first has `records.size - 1` less. For an empty list [lastLsn]
     * @throws IllegalArgumentException if a record or the batch is larger than its limit; none was appended
     * @throws dev.kwal.WalNoSpaceException if no segment could be prepared; none was appended
     * @throws dev.kwal.WalFailedException if the log has failed; the outcome of the batch is unknown
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun appendBatch(records: List<ByteBuffer>, level: Durability = defaultLevel): Long {
        admit(level)
        val lsn = wal.tryAppendBatch(records)
        if (lsn == Wal.NO_ROOM) {
            return onLogDispatcher(level, records) { wal.appendBatch(it, Durability.BUFFERED) }
        }
        return awaitLevel(lsn, level)
    }

    /** Appends a record and syncs: it survives power loss on return. As [append], at level [Durability.SYNCED]. */
    public suspend fun appendAndSync(record: ByteArray): Long = append(ByteBuffer.wrap(record), Durability.SYNCED)

    /** Appends a record and syncs: it survives power loss on return. As [append], at level [Durability.SYNCED]. */
    public suspend fun appendAndSync(record: ByteBuffer): Long = append(record, Durability.SYNCED)

    /**
     * A barrier: on return every record appended before the call, by anybody, survives power loss.
     *
     * Cancellation: ends this wait, never the commit. Prompt: may throw although the records are durable.
     *
     * @return the durable LSN
     * @throws dev.kwal.WalFailedException if the log failed first; reopen it
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun sync(): Long = sync(wal.lastLsn())

    /**
     * Suspends until every record up to [lsn] survives power loss.
     *
     * Cancellation: ends this wait, never the commit. Prompt: may throw although the records are durable.
     *
     * @return the durable LSN, at least [lsn]
     * @throws IllegalArgumentException if no such record was appended, or the store cannot give the level
     * @throws dev.kwal.WalFailedException if the log failed first; reopen it
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun sync(lsn: Long): Long = try {
        committer.reach(lsn, Durability.SYNCED)
    } catch (_: ClosedSendChannelException) {
        closed.join()
        wal.commit(lsn, Durability.SYNCED)
    }

    /**
     * Reads one record, on an I/O dispatcher.
     *
     * Cancellation: takes effect when the record has been read.
     *
     * @param lsn from [firstLsn] to [lastLsn]
     * @throws dev.kwal.WalGoneException if it was dropped by a checkpoint
     * @throws IllegalArgumentException if no such record was appended yet
     * @throws dev.kwal.WalCorruptedException if it is damaged
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun read(lsn: Long): WalRecord = withContext(Dispatchers.IO) { wal.read(lsn) }

    /**
     * The records from [fromLsn] to the last one at the time of collection. Cold: each collection owns a cursor, reads
     * on an I/O dispatcher a bounded number of bytes ahead of its collector, and closes the cursor at its end.
     *
     * Fails with [dev.kwal.WalGoneException] where a checkpoint dropped the next record, and with
     * [dev.kwal.WalCorruptedException] where it is damaged, after the records before it were emitted.
     *
     * @param fromLsn from [firstLsn] to `lastLsn + 1`; 0 stands for the first
     */
    public fun replay(fromLsn: Long = 0): Flow<WalRecord> = replayFlow { wal.replay(fromLsn) }

    /**
     * The records from [fromLsn] on, those to come included, each when it survives power loss. Cold, and as bounded as
     * [replay]. Ends when the log is closed. Waiting holds no thread.
     *
     * Fails as [replay] does, and with [dev.kwal.WalFailedException] when the log has failed and everything durable was
     * emitted.
     *
     * @param fromLsn as in [replay]
     */
    public fun follow(fromLsn: Long = 0): Flow<WalRecord> = followFlow(wal, durableLsn) { wal.follow(fromLsn) }

    /**
     * Drops the prefix: records up to and including [lsn] are no longer needed.
     *
     * Cancellation: before it has begun, nothing happens; later it is done all the same.
     *
     * @return how many segments were deleted
     * @throws IllegalArgumentException if [lsn] is negative or behind [lastLsn]
     * @throws dev.kwal.WalFailedException if the log failed first; reopen it
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun checkpoint(lsn: Long): Int = onLogDispatcher { wal.checkpoint(lsn).toLong() }.toInt()

    /**
     * Gives up the suffix: records behind [lsn] are gone on return, durably, and their LSNs are assigned again.
     *
     * Cancellation: before it has begun, nothing happens; later it is done all the same.
     *
     * @param lsn from `firstLsn - 1` to [lastLsn]
     * @throws IllegalArgumentException if [lsn] is out of that range
     * @throws dev.kwal.WalNoSpaceException if no segment could be prepared; nothing was given up
     * @throws dev.kwal.WalFailedException if the log failed first; reopen it
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun truncateAfter(lsn: Long) {
        onLogDispatcher {
            wal.truncateAfter(lsn)
            lsn
        }
    }

    /**
     * Finishes the calls that wait, syncs, closes the log and gives its dispatcher's thread back. Later calls get
     * [dev.kwal.WalClosedException]. Idempotent: a second call waits for the first and does nothing.
     *
     * Cancellation: none; closing goes on to its end.
     *
     * @throws dev.kwal.WalFailedException if the log failed, before or now, and records appended are not durable
     */
    public suspend fun close() {
        withContext(NonCancellable + Dispatchers.IO) {
            if (!closing.compareAndSet(false, true)) {
                closed.join()
                return@withContext
            }
            try {
                committer.drain()
                logDispatcher.run { wal.close() }
            } finally {
                completions.publish()
                logDispatcher.close()
                closed.complete(Unit)
            }
        }
    }

    /** Lets nothing pass that is not yet accepted: neither a cancelled caller, nor a level that the store cannot give. */
    private suspend fun admit(level: Durability) {
        currentCoroutineContext().ensureActive()
        if (level in levels) return
        onLogDispatcher { wal.commit(0, level) }
        levels.add(level)
    }

    private suspend fun awaitLevel(lsn: Long, level: Durability): Long {
        if (level == Durability.BUFFERED) return lsn
        try {
            committer.reach(lsn, level)
        } catch (_: ClosedSendChannelException) {
            closed.join()
            // Closing has synced what was accepted. If not, the closed log says why, without any I/O.
            val closedAt = if (level == Durability.SYNCED) wal.durableLsn() else wal.writtenLsn()
            if (closedAt < lsn) wal.commit(lsn, level)
        }
        return lsn
    }

    private suspend fun onLogDispatcher(
        level: Durability = Durability.BUFFERED,
        records: List<ByteBuffer> = emptyList(),
        work: (List<ByteBuffer>) -> Long,
    ): Long = try {
        committer.perform(Task(level, currentCoroutineContext(), records, work))
    } catch (_: ClosedSendChannelException) {
        closed.join()
        work(records)
    }

    /** Opens a log. */
    public companion object {
        /** Like [open] of a store, for the log in a directory, which is created where missing. */
        public suspend fun open(
            directory: Path,
            options: WalOptions = WalOptions.DEFAULT,
            dispatcher: CoroutineDispatcher? = null,
        ): SuspendingWal = open(FileStore.of(directory), options, dispatcher)

        /**
         * Opens the log in a store and recovers it, on the log's dispatcher.
         *
         * Cancellation: waits for opening to end, and closes again.
         *
         * @param dispatcher where writes and syncs happen, one at a time; must outlive the log. If null, one daemon
         *     thread of the log's own
         * @throws dev.kwal.storage.StoreLockedException if somebody else has it open
         * @throws dev.kwal.WalCorruptedException if synced data is damaged or missing; nothing was changed
         * @throws dev.kwal.WalFormatException if a segment cannot be read by this version; nothing was changed
         */
        public suspend fun open(
            store: WalStore,
            options: WalOptions = WalOptions.DEFAULT,
            dispatcher: CoroutineDispatcher? = null,
        ): SuspendingWal {
            val logDispatcher = LogDispatcher.of(dispatcher)
            var wal: Wal? = null
            try {
                withContext(NonCancellable) { wal = logDispatcher.run { Wal.open(store, options) } }
                currentCoroutineContext().ensureActive()
                return SuspendingWal(checkNotNull(wal), options.defaultLevel(), logDispatcher)
            } catch (thrown: Throwable) {
                withContext(NonCancellable) { wal?.let { logDispatcher.run { it.close() } } }
                logDispatcher.close()
                throw thrown
            }
        }
    }
}

/**
 * The suspending face of this log. Java threads may go on using the log itself: both share its flushes. Closing the
 * suspending face closes the log.
 *
 * @param defaultLevel the level of appends that name none
 * @param dispatcher where writes and syncs happen, one at a time; must outlive the log. If null, one daemon thread
 */
public fun Wal.asSuspending(
    defaultLevel: Durability = Durability.WRITTEN,
    dispatcher: CoroutineDispatcher? = null,
): SuspendingWal = SuspendingWal(this, defaultLevel, LogDispatcher.of(dispatcher))

/** Runs [block] and closes the log, also when the block fails or is cancelled. */
public suspend inline fun <T> SuspendingWal.use(block: (SuspendingWal) -> T): T {
    var thrown: Throwable? = null
    try {
        return block(this)
    } catch (t: Throwable) {
        thrown = t
        throw t
    } finally {
        closeAfter(thrown)
    }
}

@PublishedApi
internal suspend fun SuspendingWal.closeAfter(thrown: Throwable?) {
    try {
        close()
    } catch (closing: Throwable) {
        if (thrown == null) throw closing
        thrown.addSuppressed(closing)
    }
}
