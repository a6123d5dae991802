package dev.kwal.coroutines

import dev.kwal.Snapshot
import dev.kwal.SnapshotRecovery
import dev.kwal.Snapshots
import dev.kwal.WalOptions
import dev.kwal.storage.SnapshotStore
import dev.kwal.storage.WalStore
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import java.io.InputStream
import java.io.OutputStream
import java.nio.ByteBuffer
import java.time.Instant

/**
 * The snapshots of a log: a [Snapshots] whose calls suspend where that one blocks.
 *
 * Always: snapshots are written and read on I/O threads, not on the log's dispatcher, so that a long one holds up no append
 * and no sync. The functions given to [publish] and [recover] run there, too, one call at a time, and may block.
 *
 * Threads: any; one at a time publishes or truncates, others wait. Closing the log is up to whoever opened it.
 */
public class SuspendingSnapshots internal constructor(
    private val snapshots: Snapshots,
    private val store: SnapshotStore,
) {

    /** As [Snapshots.list]. Cancellation: takes effect when they have been read. */
    public suspend fun list(): List<Snapshot> = cancellably { snapshots.list() }

    /**
     * Writes a snapshot, and drops what is no longer needed, as [Snapshots.publish] does: durable snapshot first, then the
     * new first LSN in the log, then deletions.
     *
     * Cancellation: before it has begun, and while [content] writes, the snapshot is given up and nothing is deleted; later
     * it is published all the same. Prompt: may throw although it is published. Publishing again is always right.
     *
     * @param lsn the last record whose effect the content contains; from that of the newest snapshot to the log's last
     * @param content writes the state after that record and no later one, however long; what it is given is buffered, and
     *     need not be closed
     * @throws IllegalArgumentException if [lsn] is out of that range
     * @throws dev.kwal.WalFailedException if the log has failed
     * @throws dev.kwal.WalClosedException after close
     * @throws java.io.IOException if something cannot be written, read or deleted
     */
    public suspend fun publish(lsn: Long, content: (OutputStream) -> Unit): Snapshot = cancellably { caller ->
        snapshots.publish(lsn) { content(CancellableOutput(it, caller)) }
    }

    /**
     * Makes a state from the newest whole snapshot and the records behind it, as [SnapshotRecovery.run] does. Changes
     * nothing on disk.
     *
     * Cancellation: ends it at the next record, or the next read of the snapshot.
     *
     * @param init the state before the first record; used if there is no snapshot
     * @param restore makes the state from a snapshot
     * @param untilLsn as in [SnapshotRecovery.withUntilLsn]
     * @param untilTime as in [SnapshotRecovery.withUntilTime]; null for no limit
     * @param progress as [SnapshotRecovery.Progress]
     * @param apply applies a record, which is valid during the call, to what the last call returned, and returns the new
     *     state, which may be the same object
     * @throws dev.kwal.WalSnapshotException if snapshots and log do not give a state without a gap
     * @throws dev.kwal.WalCorruptedException if a record is damaged
     * @throws dev.kwal.WalClosedException after close
     * @throws java.io.IOException if something cannot be read
     */
    public suspend fun <S : Any> recover(
        init: () -> S,
        restore: (InputStream) -> S,
        untilLsn: Long = Long.MAX_VALUE,
        untilTime: Instant? = null,
        progress: (lsn: Long, targetLsn: Long) -> Unit = { _, _ -> },
        apply: (state: S, lsn: Long, record: ByteBuffer) -> S,
    ): SnapshotRecovery.Recovered<S> =
        snapshots.recovery().until(untilLsn, untilTime).withProgress(progress).runCancellably(init, restore, apply)

    /**
     * Gives up a suffix of the log, and the snapshots that contain records of it, as [Snapshots.truncateAfter] does.
     *
     * Cancellation: before it has begun, nothing happens; later it is done all the same.
     *
     * @param lsn from `firstLsn - 1` to the log's last
     * @throws IllegalArgumentException if [lsn] is out of that range
     * @throws dev.kwal.WalSnapshotException if records would be left that no snapshot contains; nothing was changed
     * @throws java.io.IOException as [SuspendingWal.truncateAfter] does, or if a snapshot cannot be read or deleted
     */
    public suspend fun truncateAfter(lsn: Long): Unit = cancellably { snapshots.truncateAfter(lsn) }

    /** Where they are. */
    override fun toString(): String = "SuspendingSnapshots($store)"

    /** Opens a log of which there are snapshots. */
    public companion object {
        /**
         * Opens a log of which there are snapshots, as [Snapshots.openLog] does: they tell a last record that must be there.
         *
         * Cancellation, dispatcher and owner: as [SuspendingWal.open].
         *
         * @throws dev.kwal.WalCorruptedException also if the log ends before what a snapshot contains; nothing was changed
         * @throws java.io.IOException as [SuspendingWal.open] does, or if snapshots cannot be read
         */
        public suspend fun openLog(
            log: WalStore,
            store: SnapshotStore,
            options: WalOptions = WalOptions.DEFAULT,
            dispatcher: CoroutineDispatcher? = null,
            owner: CoroutineScope? = null,
        ): SuspendingWal = SuspendingWal.open(options, dispatcher, owner) { Snapshots.openLog(log, options, store) }
    }
}

/**
 * The snapshots of this log. Make one object for all who publish: it is what makes them wait for each other.
 *
 * @param keep how many whole snapshots are kept, 1 or more
 */
public fun SuspendingWal.snapshots(store: SnapshotStore, keep: Int = Snapshots.DEFAULT_KEEP): SuspendingSnapshots =
    SuspendingSnapshots(Snapshots.of(asBlocking(), store, keep), store)
