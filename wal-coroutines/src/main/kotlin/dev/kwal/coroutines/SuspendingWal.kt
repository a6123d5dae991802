package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.RecoveryReport
import dev.kwal.SegmentInfo
import dev.kwal.Wal
import dev.kwal.WalBackup
import dev.kwal.WalMetrics
import dev.kwal.WalOptions
import dev.kwal.WalRange
import dev.kwal.WalReader
import dev.kwal.WalRecord
import dev.kwal.storage.FileStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.async
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.nio.ByteBuffer
import java.nio.file.Path
import java.time.Instant
import java.util.UUID
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.time.Duration
import kotlin.time.toKotlinDuration

/**
 * A write-ahead log for coroutines: a [Wal] whose calls suspend where that one blocks. It adds waiting, not behaviour.
 *
 * Always: a record is encoded on the caller's thread, and no caller's thread ever touches a file. Records are brought to
 * their level on the log's own dispatcher: all callers that queue up while one flush runs share the next. Reading, and what
 * [SuspendingSnapshots] do, happens on I/O threads, and writes what is still buffered first. A caller never resumes on the
 * log's dispatcher, so code that blocks after a call holds up nobody else, as long as fewer than 256 such calls block at a
 * time.
 *
 * Cancellation of an append, a time-out by `withTimeout` included:
 *
 * | the caller is cancelled | it gets | the record |
 * |---|---|---|
 * | before the call, or while it waits for room | `CancellationException` | is certainly not in the log |
 * | once the record is accepted, while it waits for its level | `CancellationException`, at once | stays, and commits with its group |
 * | when the level is reached and it has not resumed yet | `CancellationException` | is there |
 *
 * A record is accepted when it is in the buffer, or when the log has begun to make room for it. After that only the
 * *waiting* suspends. Whoever must know the outcome appends under [NonCancellable], or takes a ticket by [appendAsync] and
 * limits the wait for that: `withTimeout(limit) { ticket.reached.await() }`.
 *
 * Threads: any. Close it with [close], work inside [use], or let a scope own it; see [open].
 */
public class SuspendingWal internal constructor(
    private val wal: Wal,
    /** The level of appends that name none. */
    public val defaultLevel: Durability,
    private val logDispatcher: LogDispatcher,
) {
    private val completions = Completions(wal)
    internal val commits = Commits(wal, logDispatcher, completions)
    private val closing = AtomicBoolean()

    /** The first record that can be read; `lastLsn + 1` if there is none. */
    public val firstLsn: Long get() = wal.firstLsn()

    /** The last record that was appended; `firstLsn - 1` if there is none. */
    public val lastLsn: Long get() = wal.lastLsn()

    /** The last record that survives the process. */
    public val writtenLsn: Long get() = wal.writtenLsn()

    /**
     * The last record that survives power loss. Follows every commit, those of Java threads that share the log included:
     * collectors are told a moment later. Falls with [truncateAfter] only.
     */
    public val durableLsn: StateFlow<Long> get() = completions.durableLsn

    /** What the log can do now. Collectors are told a moment after it has changed. */
    public val state: StateFlow<LogState> get() = completions.state

    /** What tells this log from every other: drawn at random when the log was made, and kept in each of its segments. */
    public val logId: UUID get() = checkNotNull(wal.logId())

    /** How many times a suffix was given up by [truncateAfter]; durable with the log. */
    public val epoch: Long get() = wal.epoch()

    /** The segments, oldest first: a snapshot. */
    public val segments: List<SegmentInfo> get() = wal.segments()

    /** How many bytes the segments hold together. */
    public val sizeBytes: Long get() = wal.sizeBytes()

    /** What the store can promise; a level that it cannot give is refused. */
    public val capabilities: StoreCapabilities get() = wal.capabilities()

    /** What it was opened with. */
    public val options: WalOptions get() = wal.options()

    /** What was counted and timed since it was opened: a snapshot. */
    public val metrics: WalMetrics get() = wal.metrics()

    /** What opening found and did. */
    public val recovery: RecoveryReport get() = wal.recovery()

    /** The same log for callers that block. Both share its flushes; closing it closes this one too, without its thread. */
    public fun asBlocking(): Wal = wal

    /** As [append] of a [ByteBuffer]. */
    public suspend fun append(record: ByteArray, level: Durability = defaultLevel): Long =
        append(ByteBuffer.wrap(record), level)

    /**
     * Appends a record and suspends until it has reached [level]. Suspends also while the buffer is full.
     *
     * Cancellation: see [SuspendingWal]. The buffer may be used again in each case.
     *
     * @param record from its position to its limit; copied, not kept, its position and limit untouched
     * @return its LSN
     * @throws IllegalArgumentException if it is longer than the limit, or the store cannot give the level
     * @throws dev.kwal.WalNoSpaceException if no segment could be prepared; it was not appended
     * @throws dev.kwal.WalFailedException if the log has failed; the outcome of this record is unknown
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun append(
        record: ByteBuffer,
        level: Durability = defaultLevel,
    ): Long = commits.append(record, level)

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
    public suspend fun appendBatch(records: List<ByteBuffer>, level: Durability = defaultLevel): Long =
        commits.appendBatch(records, level)

    /** Appends a record and syncs: it survives power loss on return. As [append], at level [Durability.SYNCED]. */
    public suspend fun appendAndSync(record: ByteArray): Long = append(ByteBuffer.wrap(record), Durability.SYNCED)

    /** Appends a record and syncs: it survives power loss on return. As [append], at level [Durability.SYNCED]. */
    public suspend fun appendAndSync(record: ByteBuffer): Long = append(record, Durability.SYNCED)

    /**
     * Appends a record to the buffer if that needs neither waiting nor I/O. If not, room is made in the background within
     * the flush interval of the options.
     *
     * @return its LSN, at level [Durability.BUFFERED], or [Wal.NO_ROOM]
     * @throws IllegalArgumentException if it is longer than the limit
     * @throws dev.kwal.WalFailedException if the log has failed
     * @throws dev.kwal.WalClosedException after close
     */
    public fun tryAppend(record: ByteBuffer): Long = wal.tryAppend(record)

    /** As [tryAppend], for records that come back all or none after a crash. */
    public fun tryAppendBatch(records: List<ByteBuffer>): Long = wal.tryAppendBatch(records)

    /**
     * Appends a record and returns a ticket that completes when the record has reached [level]. Suspends only for room, in
     * the buffer or among the open tickets, of which there are at most 65,536.
     *
     * Cancellation: as in [append] up to the acceptance. Afterwards the ticket does not depend on its caller.
     *
     * @throws IllegalArgumentException as [append]
     * @throws dev.kwal.WalNoSpaceException as [append]
     * @throws dev.kwal.WalFailedException as [append]
     * @throws dev.kwal.WalClosedException as [append]
     */
    public suspend fun appendAsync(record: ByteBuffer, level: Durability = defaultLevel): SuspendingTicket =
        commits.appendAsync(record, level)

    /** As [appendAsync], for records that come back all or none after a crash. */
    public suspend fun appendBatchAsync(
        records: List<ByteBuffer>,
        level: Durability = defaultLevel,
    ): SuspendingTicket = commits.appendBatchAsync(records, level)

    /** As [appendIf] of a [ByteBuffer]. */
    public suspend fun appendIf(
        expectedNextLsn: Long,
        record: ByteArray,
        level: Durability = defaultLevel,
    ): Long = appendIf(expectedNextLsn, ByteBuffer.wrap(record), level)

    /**
     * Appends a record if it gets exactly the LSN expected, as [Wal.appendIf] does, and suspends until it has reached [level].
     *
     * Cancellation: as in [append]. Whether the condition holds is decided on the log's dispatcher, when it is the caller's
     * turn.
     *
     * @param expectedNextLsn 1 or more: `lastLsn + 1` as the caller knows it
     * @return its LSN, which is the one expected
     * @throws dev.kwal.WalConflictException if another LSN was next, with both; it was not appended
     * @throws IllegalArgumentException as [append], or if [expectedNextLsn] is less than 1
     * @throws dev.kwal.WalNoSpaceException as [append]
     * @throws dev.kwal.WalFailedException as [append]
     * @throws dev.kwal.WalClosedException as [append]
     */
    public suspend fun appendIf(
        expectedNextLsn: Long,
        record: ByteBuffer,
        level: Durability = defaultLevel,
    ): Long = commits.appendIf(listOf(record), level) {
        wal.appendIf(expectedNextLsn, it.single(), Durability.BUFFERED)
    }

    /** As [appendIf], for records that come back all or none after a crash. Returns the LSN of the last. */
    public suspend fun appendBatchIf(
        expectedNextLsn: Long,
        records: List<ByteBuffer>,
        level: Durability = defaultLevel,
    ): Long = commits.appendIf(records, level) { wal.appendBatchIf(expectedNextLsn, it, Durability.BUFFERED) }

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
     * Suspends until every record up to [lsn] survives power loss. As [commit], at level [Durability.SYNCED].
     *
     * @return the durable LSN, at least [lsn]
     */
    public suspend fun sync(lsn: Long): Long = commit(lsn, Durability.SYNCED)

    /**
     * Suspends until every record up to [lsn] has reached [level].
     *
     * Cancellation: ends this wait, never the commit. Prompt: may throw although the records have reached the level.
     *
     * @return the last LSN at that level, at least [lsn]
     * @throws IllegalArgumentException if no such record was appended, or the store cannot give the level
     * @throws dev.kwal.WalFailedException if the log failed first; reopen it
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun commit(lsn: Long, level: Durability): Long = commits.commit(lsn, level)

    /**
     * Seals the current segment and begins the next; does nothing if the current one has no record. Syncs.
     *
     * Cancellation: before it has begun, nothing happens; later it is done all the same.
     *
     * @throws dev.kwal.WalNoSpaceException if no segment could be prepared; the current one goes on
     * @throws dev.kwal.WalFailedException if the log failed first; reopen it
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun rotate() {
        commits.perform {
            wal.rotate()
            0
        }
    }

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
    public suspend fun checkpoint(lsn: Long): Int = commits.perform { wal.checkpoint(lsn).toLong() }.toInt()

    /**
     * Gives up the suffix: records behind [lsn] are gone on return, durably, and their LSNs are assigned again in a new
     * [epoch].
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
        commits.perform {
            wal.truncateAfter(lsn)
            0
        }
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
    public suspend fun read(lsn: Long): WalRecord = withContext(LogIo) { wal.read(lsn) }

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

    /** The records of a range, backwards if it says so, or only those of a tag. Otherwise as [replay]. */
    public fun replay(range: WalRange): Flow<WalRecord> = replayFlow { wal.replay(range) }

    /**
     * The first record that was appended at a time or later, as [Wal.firstLsnSince] finds it on an I/O dispatcher;
     * `lastLsn + 1` if there is none.
     *
     * Cancellation: takes effect when it is found.
     *
     * @throws dev.kwal.WalCorruptedException if a record that has to be looked at is damaged: itself, or one before it
     * @throws dev.kwal.WalClosedException after close
     */
    public suspend fun firstLsnSince(time: Instant): Long = withContext(LogIo) { wal.firstLsnSince(time) }

    /**
     * The records from [fromLsn] on, those to come included, each when it has reached [level], without a gap and without a
     * repeat. Cold, and as bounded as [replay]: a slow collector holds up nobody. Ends when the log is closed. Waiting holds
     * no thread.
     *
     * Fails as [replay] does, and with [dev.kwal.WalFailedException] when the log has failed and everything durable was
     * emitted.
     *
     * @param fromLsn as in [replay]
     * @param level [Durability.WRITTEN] or [Durability.SYNCED]
     */
    public fun follow(fromLsn: Long = 0, level: Durability = Durability.SYNCED): Flow<WalRecord> =
        followFlow(changes) { wal.follow(fromLsn, level) }

    /**
     * Copies the log into a directory that does not exist yet, as [Wal.backup] does: with every record appended before the
     * call, and while appends go on. On return the copy has been read in full and survives power loss. To restore is to open
     * it.
     *
     * Cancellation: before it has begun, nothing happens; later it is made all the same. Prompt: may throw although it is
     * there.
     *
     * @throws java.nio.file.FileAlreadyExistsException if the directory, or its `….partial`, exists
     * @throws dev.kwal.WalCorruptedException if the log is damaged; there is no backup then
     * @throws dev.kwal.WalClosedException after close
     * @throws java.io.IOException if reading or writing fails; nothing is left behind, if that can be deleted
     */
    public suspend fun backup(target: FileStore): WalBackup = withContext(LogIo) { wal.backup(target) }

    /** As [backup] to a [FileStore]. */
    public suspend fun backup(directory: Path): WalBackup = backup(FileStore.of(directory))

    /**
     * Finishes the calls that wait, syncs, closes the log and gives its dispatcher's threads back. Later calls get
     * [dev.kwal.WalClosedException]. Idempotent: a second call waits for the first and does nothing.
     *
     * Cancellation: none; closing goes on to its end. On a medium that does not answer, that may never come: see [close]
     * with a limit.
     *
     * @throws dev.kwal.WalFailedException if the log failed, before or now, and records appended are not durable
     */
    public suspend fun close() {
        withContext(NonCancellable + LogIo) {
            if (!closing.compareAndSet(false, true)) {
                commits.awaitClosed()
                return@withContext
            }
            commits.closeAfter { logDispatcher.use { it.run { wal.close() } } }
        }
    }

    /**
     * As [close], and waits at most so long. When the time is over, closing goes on.
     *
     * Cancellation: ends the wait, not the closing.
     *
     * @return whether the log is closed
     * @throws dev.kwal.WalFailedException as [close]
     */
    public suspend fun close(timeout: Duration): Boolean {
        val closing = CoroutineScope(LogIo).async { close() }
        return withTimeoutOrNull(timeout) { closing.await() } != null
    }

    /** Closes the log when the scope ends. */
    private fun ownedBy(scope: CoroutineScope) {
        scope.launch(start = CoroutineStart.UNDISPATCHED) {
            try {
                commits.awaitClosed()
            } finally {
                close()
            }
        }
    }

    private val changes = object : Changes {
        override fun mark(): Long = completions.changes.value

        /** Closing has to be over, not only begun: its last sync makes records durable that are still to be delivered. */
        override fun isEnd(): Boolean = wal.isClosedForGood()

        override suspend fun awaitSince(mark: Long) {
            completions.changes.first { it != mark }
        }
    }

    /** Opens a log. */
    public companion object {
        /** As [open] of a store, for the log in a directory, which is created where missing. */
        public suspend fun open(
            directory: Path,
            options: WalOptions = WalOptions.DEFAULT,
            dispatcher: CoroutineDispatcher? = null,
            owner: CoroutineScope? = null,
        ): SuspendingWal = open(FileStore.of(directory), options, dispatcher, owner)

        /**
         * Opens the log in a store and recovers it, on the log's dispatcher.
         *
         * Cancellation: waits for opening to end, and closes again.
         *
         * @param dispatcher where writes and syncs happen, at most two at a time; must have threads and outlive the log. If
         *     null, two daemon threads of the log's own
         * @param owner closes the log when it is cancelled, and does not end before the log is closed: one whose own work is
         *     done waits for [close]
         * @throws dev.kwal.storage.StoreLockedException if somebody else has it open
         * @throws dev.kwal.WalCorruptedException if synced data is damaged or missing; nothing was changed
         * @throws dev.kwal.WalFormatException if a segment cannot be read by this version; nothing was changed
         */
        public suspend fun open(
            store: WalStore,
            options: WalOptions = WalOptions.DEFAULT,
            dispatcher: CoroutineDispatcher? = null,
            owner: CoroutineScope? = null,
        ): SuspendingWal = open(options, dispatcher, owner) { Wal.open(store, options) }

        internal suspend fun open(
            options: WalOptions,
            dispatcher: CoroutineDispatcher?,
            owner: CoroutineScope?,
            opening: () -> Wal,
        ): SuspendingWal {
            val logDispatcher = LogDispatcher.of(dispatcher)
            var wal: Wal? = null
            try {
                withContext(NonCancellable) { wal = logDispatcher.run(opening) }
                currentCoroutineContext().ensureActive()
            } catch (thrown: Throwable) {
                withContext(NonCancellable) { logDispatcher.closeAfter(thrown, wal) }
                throw thrown
            }
            val log = SuspendingWal(checkNotNull(wal), options.defaultLevel(), logDispatcher)
            owner?.let { log.ownedBy(it) }
            return log
        }

        /** As [openReadOnly] of a store, for the log in a directory. */
        public suspend fun openReadOnly(
            directory: Path,
            options: WalOptions = WalOptions.DEFAULT,
        ): SuspendingWalReader = openReadOnly(FileStore.of(directory), options)

        /**
         * Opens the log in a store for reading, beside an owner or without one, on an I/O dispatcher. Creates and changes
         * nothing.
         *
         * Cancellation: waits for opening to end, and closes again.
         *
         * @throws dev.kwal.WalCorruptedException if synced data is damaged or missing
         * @throws dev.kwal.WalFormatException if a segment cannot be read by this version
         */
        public suspend fun openReadOnly(
            store: WalStore,
            options: WalOptions = WalOptions.DEFAULT,
        ): SuspendingWalReader {
            var reader: WalReader? = null
            try {
                // Not as the result, which would be lost on the way to a cancelled caller.
                withContext(NonCancellable + LogIo) { reader = Wal.openReadOnly(store, options) }
                currentCoroutineContext().ensureActive()
            } catch (thrown: Throwable) {
                withContext(NonCancellable + LogIo) { reader?.close() }
                throw thrown
            }
            return SuspendingWalReader(checkNotNull(reader), options.flushInterval().toKotlinDuration())
        }
    }
}

/**
 * The suspending face of this log. Java threads may go on using the log itself: both share its flushes. Closing the
 * suspending face closes the log.
 *
 * @param defaultLevel the level of appends that name none; that of the log's options unless given
 * @param dispatcher where writes and syncs happen, at most two at a time; must outlive the log. If null, two daemon threads
 */
public fun Wal.asSuspending(
    defaultLevel: Durability = options().defaultLevel(),
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

/** Runs [block] and closes the reader, also when the block fails or is cancelled. */
public suspend inline fun <T> SuspendingWalReader.use(block: (SuspendingWalReader) -> T): T = try {
    block(this)
} finally {
    close()
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
