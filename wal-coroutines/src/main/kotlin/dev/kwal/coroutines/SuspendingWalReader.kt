package dev.kwal.coroutines

import dev.kwal.RecoveryReport
import dev.kwal.SegmentInfo
import dev.kwal.SnapshotRecovery
import dev.kwal.WalBackup
import dev.kwal.WalRange
import dev.kwal.WalReader
import dev.kwal.WalRecord
import dev.kwal.storage.FileStore
import dev.kwal.storage.SnapshotStore
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.file.Path
import java.time.Instant
import java.util.UUID
import kotlin.time.Duration

/**
 * A log opened for reading beside its owner, or without one: a [WalReader] whose calls suspend. Changes nothing. Delivers
 * what the log itself proves to be durable.
 *
 * Threads: any. Close it with [close].
 */
public class SuspendingWalReader internal constructor(private val reader: WalReader, private val pause: Duration) {
    private val closed = Job()

    /** What tells this log from every other, as in [SuspendingWal.logId]; null if it has no segment yet. */
    public val logId: UUID? get() = reader.logId()

    /** The first record that can be read; `lastLsn + 1` if there is none. */
    public val firstLsn: Long get() = reader.firstLsn()

    /** The last record that is known to be durable, as of the last look at the log; `firstLsn - 1` if there is none. */
    public val lastLsn: Long get() = reader.lastLsn()

    /** As [lastLsn]; 0 if none is. */
    public val durableLsn: Long get() = reader.durableLsn()

    /** How many times the owner gave a suffix up, as of the last look at the log. */
    public val epoch: Long get() = reader.epoch()

    /** The segments, oldest first: a snapshot. */
    public val segments: List<SegmentInfo> get() = reader.segments()

    /** How many bytes the segments hold together. */
    public val sizeBytes: Long get() = reader.sizeBytes()

    /** What opening found. */
    public val recovery: RecoveryReport get() = reader.recovery()

    /** As [SuspendingWal.read]; looks at the log again for a record behind [lastLsn]. */
    public suspend fun read(lsn: Long): WalRecord = withContext(LogIo) { reader.read(lsn) }

    /** As [SuspendingWal.replay]. */
    public fun replay(fromLsn: Long = 0): Flow<WalRecord> = replayFlow { reader.replay(fromLsn) }

    /** As [SuspendingWal.replay]. */
    public fun replay(range: WalRange): Flow<WalRecord> = replayFlow { reader.replay(range) }

    /** As [SuspendingWal.firstLsnSince]. */
    public suspend fun firstLsnSince(time: Instant): Long = withContext(LogIo) { reader.firstLsnSince(time) }

    /**
     * As [SuspendingWal.follow], at level *synced*. Looks at the log again after each flush interval of the options. Ends
     * when this reader is closed, not when the owner closes the log: it may be opened again.
     */
    public fun follow(fromLsn: Long = 0): Flow<WalRecord> = followFlow(looks) { reader.follow(fromLsn) }

    /** As [SuspendingWal.backup], with every record that was durable before the call. */
    public suspend fun backup(target: FileStore): WalBackup = withContext(LogIo) { reader.backup(target) }

    /** As [backup] to a [FileStore]. */
    public suspend fun backup(directory: Path): WalBackup = backup(FileStore.of(directory))

    /**
     * As [SuspendingSnapshots.recover], beside the owner. If the owner publishes meanwhile, a [dev.kwal.WalGoneException] or
     * [dev.kwal.WalSnapshotException] is a reason to do it again.
     */
    public suspend fun <S : Any> recover(
        store: SnapshotStore,
        init: () -> S,
        restore: (InputStream) -> S,
        untilLsn: Long = Long.MAX_VALUE,
        untilTime: Instant? = null,
        progress: (lsn: Long, targetLsn: Long) -> Unit = { _, _ -> },
        apply: (state: S, lsn: Long, record: ByteBuffer) -> S,
    ): SnapshotRecovery.Recovered<S> = SnapshotRecovery.of(reader, store)
        .until(untilLsn, untilTime)
        .withProgress(progress)
        .runCancellably(init, restore, apply)

    /** Ends reading. Flows of [follow] end. Idempotent. Cancellation: none. */
    public suspend fun close() {
        closed.complete()
        withContext(NonCancellable + LogIo) { reader.close() }
    }

    private val looks = object : Changes {
        override fun mark(): Long = 0

        override fun isEnd(): Boolean = closed.isCompleted

        override suspend fun awaitSince(mark: Long) {
            withTimeoutOrNull(pause) { closed.join() }
        }
    }
}
