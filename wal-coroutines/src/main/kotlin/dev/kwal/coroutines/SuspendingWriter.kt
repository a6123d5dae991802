package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.WalWriter
import java.nio.ByteBuffer

/**
 * Appends to a log until a newer writer begins: a [WalWriter] whose calls suspend where that one blocks. From the moment in
 * which the newer one is handed out, each append through this one is a [dev.kwal.WalFencedException].
 *
 * Cancellation of appends: as in [SuspendingWal]. Whether it is shut out is decided on the log's dispatcher, when it is the
 * caller's turn.
 *
 * Threads: any. It needs no closing.
 */
public class SuspendingWriter internal constructor(
    private val writer: WalWriter,
    private val commits: Commits,
    private val defaultLevel: Durability,
) {
    /** Which writer of this log it is: higher than every one before it, over all restarts. Good as a fencing token elsewhere. */
    public val epoch: Long get() = writer.epoch()

    /**
     * As [SuspendingWal.append].
     *
     * @throws dev.kwal.WalFencedException if a newer writer has begun; it was not appended
     */
    public suspend fun append(record: ByteBuffer, level: Durability = defaultLevel): Long =
        commits.appendIf(listOf(record), level) { writer.append(it.single(), Durability.BUFFERED) }

    /**
     * As [SuspendingWal.appendBatch].
     *
     * @throws dev.kwal.WalFencedException if a newer writer has begun; none was appended
     */
    public suspend fun appendBatch(records: List<ByteBuffer>, level: Durability = defaultLevel): Long =
        commits.appendIf(records, level) { writer.appendBatch(it, Durability.BUFFERED) }

    /**
     * As [SuspendingWal.appendIf].
     *
     * @throws dev.kwal.WalFencedException if a newer writer has begun; it was not appended
     */
    public suspend fun appendIf(
        expectedNextLsn: Long,
        record: ByteBuffer,
        level: Durability = defaultLevel,
    ): Long = commits.appendIf(listOf(record), level) {
        writer.appendIf(expectedNextLsn, it.single(), Durability.BUFFERED)
    }

    /**
     * As [SuspendingWal.appendBatchIf].
     *
     * @throws dev.kwal.WalFencedException if a newer writer has begun; none was appended
     */
    public suspend fun appendBatchIf(
        expectedNextLsn: Long,
        records: List<ByteBuffer>,
        level: Durability = defaultLevel,
    ): Long = commits.appendIf(records, level) { writer.appendBatchIf(expectedNextLsn, it, Durability.BUFFERED) }

    /** For messages: which writer it is. */
    override fun toString(): String = writer.toString()
}

/**
 * Begins to write with a handle of one's own, and shuts out all who have an older one, as [dev.kwal.Wal.beginWriting] does. Its
 * epoch is durable on return.
 *
 * Cancellation: before it has begun, nothing happens; later the older ones are shut out all the same.
 *
 * @throws dev.kwal.WalFailedException if the log has failed
 * @throws dev.kwal.WalClosedException after close
 * @throws java.io.IOException if the epoch cannot be written
 */
public suspend fun SuspendingWal.beginWriting(): SuspendingWriter = cancellably {
    SuspendingWriter(asBlocking().beginWriting(), commits, defaultLevel)
}
