package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.WalWriter
import java.nio.ByteBuffer

/**
 * Appends to a log with an epoch or a tag of its own: a [WalWriter] whose calls suspend where that one blocks. If it has an
 * epoch it appends until a newer writer begins: from the moment in which that is handed out, each append through this one is a
 * [dev.kwal.WalFencedException].
 *
 * Cancellation of appends: as in [SuspendingWal]. Whether it is shut out is decided when the record gets its LSN.
 *
 * Threads: any. It needs no closing.
 */
public class SuspendingWriter internal constructor(
    private val writer: WalWriter,
    private val commits: Commits,
    private val defaultLevel: Durability,
) {
    /**
     * Which writer of this log it is: higher than every one before it, over all restarts. Good as a fencing token elsewhere. 0
     * if it has no epoch and is never shut out.
     */
    public val epoch: Long get() = writer.epoch()

    /**
     * The same writer with a tag for all records that it appends.
     *
     * @param tag 1 or more
     * @throws IllegalArgumentException if it is less
     */
    public fun tagged(tag: Int): SuspendingWriter = SuspendingWriter(writer.tagged(tag), commits, defaultLevel)

    /**
     * As [SuspendingWal.append].
     *
     * @throws dev.kwal.WalFencedException if a newer writer has begun; it was not appended
     */
    public suspend fun append(record: ByteBuffer, level: Durability = defaultLevel): Long =
        commits.append(writer, record, level)

    /**
     * As [SuspendingWal.appendBatch].
     *
     * @throws dev.kwal.WalFencedException if a newer writer has begun; none was appended
     */
    public suspend fun appendBatch(records: List<ByteBuffer>, level: Durability = defaultLevel): Long =
        commits.appendBatch(writer, records, level)

    /**
     * As [appendBatch], with a tag of its own for each record.
     *
     * @param tags as many as records, each 1 or more, or [dev.kwal.WalRecord.NO_TAG] for a record that gets none
     * @throws IllegalArgumentException also if they are not; none was appended
     * @throws dev.kwal.WalFencedException if a newer writer has begun; none was appended
     */
    public suspend fun appendBatch(records: List<ByteBuffer>, tags: IntArray, level: Durability = defaultLevel): Long {
        val itsTags = tags.clone()
        return commits.appendIf(records, level) { writer.appendBatch(it, itsTags, Durability.BUFFERED) }
    }

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

/**
 * Appends records that have a tag, as [dev.kwal.Wal.tagged] does.
 *
 * @param tag 1 or more
 * @return what appends them, beside whoever else does; bound to no epoch
 * @throws IllegalArgumentException if the tag is less than 1
 */
public fun SuspendingWal.tagged(tag: Int): SuspendingWriter =
    SuspendingWriter(asBlocking().tagged(tag), commits, defaultLevel)
