package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.RecordCodec
import dev.kwal.TypedRecord
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.map

/**
 * A log of values: a [SuspendingWal] whose records a codec encodes and decodes. It adds no behaviour; what is about LSNs
 * alone is asked of the [wal] itself, which is also what is closed.
 *
 * Values are encoded on the caller's thread before anything is appended; what the codec throws, the caller gets, and
 * nothing was appended. Flows emit every record; one that cannot be decoded throws a [dev.kwal.WalDecodingException] with
 * its LSN where its value is asked for, so a collector decides whether to go on.
 *
 * Cancellation: as the calls of [SuspendingWal] of the same names. Threads: any.
 */
public class SuspendingTypedWal<T : Any> internal constructor(
    /** The log of the records. */
    public val wal: SuspendingWal,
    private val codec: RecordCodec<T>,
) {
    /** As [SuspendingWal.append]. */
    public suspend fun append(value: T, level: Durability = wal.defaultLevel): Long =
        wal.append(codec.encode(value), level)

    /** As [SuspendingWal.appendAndSync]. */
    public suspend fun appendAndSync(value: T): Long = append(value, Durability.SYNCED)

    /** As [SuspendingWal.appendBatch]. If one value cannot be encoded, none is appended. */
    public suspend fun appendBatch(values: List<T>, level: Durability = wal.defaultLevel): Long =
        wal.appendBatch(values.map(codec::encode), level)

    /** As [SuspendingWal.appendIf]. */
    public suspend fun appendIf(expectedNextLsn: Long, value: T, level: Durability = wal.defaultLevel): Long =
        wal.appendIf(expectedNextLsn, codec.encode(value), level)

    /** As [SuspendingWal.appendBatchIf]. If one value cannot be encoded, none is appended. */
    public suspend fun appendBatchIf(
        expectedNextLsn: Long,
        values: List<T>,
        level: Durability = wal.defaultLevel,
    ): Long = wal.appendBatchIf(expectedNextLsn, values.map(codec::encode), level)

    /** As [SuspendingWal.tryAppend]. */
    public fun tryAppend(value: T): Long = wal.tryAppend(codec.encode(value))

    /** As [SuspendingWal.appendAsync]. */
    public suspend fun appendAsync(value: T, level: Durability = wal.defaultLevel): SuspendingTicket =
        wal.appendAsync(codec.encode(value), level)

    /** As [SuspendingWal.read]. Decodes when the value is asked for. */
    public suspend fun read(lsn: Long): TypedRecord<T> = TypedRecord.of(wal.read(lsn), codec)

    /** As [SuspendingWal.replay]. */
    public fun replay(fromLsn: Long = 0): Flow<TypedRecord<T>> = wal.replay(fromLsn).map { TypedRecord.of(it, codec) }

    /** As [SuspendingWal.follow]. */
    public fun follow(fromLsn: Long = 0, level: Durability = Durability.SYNCED): Flow<TypedRecord<T>> =
        wal.follow(fromLsn, level).map { TypedRecord.of(it, codec) }
}

/** This log as a [codec] sees it. Both are used on. */
public fun <T : Any> SuspendingWal.typed(codec: RecordCodec<T>): SuspendingTypedWal<T> = SuspendingTypedWal(this, codec)
