package dev.kwal.okio

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalCursor
import dev.kwal.WalRecord
import okio.Buffer
import okio.BufferedSink
import okio.BufferedSource
import okio.ByteString
import okio.ByteString.Companion.toByteString
import java.nio.ByteBuffer

/** Appends all that is in [record], at the default level of the log's options, as [append] of a source does. */
public fun Wal.append(record: Buffer): Long = append(record, record.size)

/** Appends all that is in [record], as [append] of a source does. */
public fun Wal.append(record: Buffer, level: Durability): Long = append(record, record.size, level)

/** Appends all that is in [record], as [append] of a source does, and syncs: it survives a loss of power on return. */
public fun Wal.appendAndSync(record: Buffer): Long = append(record, record.size, Durability.SYNCED)

/** Appends the next bytes of [source], at the default level of the log's options, as [append] with a level does. */
public fun Wal.append(source: BufferedSource, byteCount: Long): Long = appendNext(source, byteCount) { append(it) }

/**
 * Appends the next [byteCount] bytes of [source] as one record and waits until it has reached [level].
 *
 * When this returns, exactly these bytes are consumed and the log holds a copy. When it throws, nothing is consumed: what
 * came from further upstream waits in the source's buffer. So a source can be asked again after a record was refused.
 *
 * One thread at a time may use [source]; it is used until this returns.
 *
 * @return the LSN of the record
 * @throws IllegalArgumentException if [byteCount] is negative or more than [dev.kwal.WalOptions.maxRecordBytes], in
 * which case nothing was read; or if the store cannot give [level]. Nothing was appended
 * @throws java.io.EOFException if [source] ends before [byteCount]; nothing was appended
 * @throws java.io.IOException as [Wal.append] of a buffer does; or as [source] does, and nothing was appended
 */
public fun Wal.append(source: BufferedSource, byteCount: Long, level: Durability): Long =
    appendNext(source, byteCount) { append(it, level) }

/** Appends the next bytes of [source], as [append] does, and syncs: the record survives a loss of power on return. */
public fun Wal.appendAndSync(source: BufferedSource, byteCount: Long): Long =
    append(source, byteCount, Durability.SYNCED)

/** The bytes of this record as a source, a new one each time. It owns a copy, and reading it never fails. */
public fun WalRecord.source(): BufferedSource = Buffer().apply { write(toByteBuffer()) }

/**
 * A copy of the bytes of the current record, for keeps.
 *
 * @throws IllegalStateException if there is no current record
 */
public fun WalCursor.toByteString(): ByteString = view().toByteString()

/**
 * Writes the bytes of the current record to [sink], a [Buffer] for example, which gets a copy. The cursor stays where it is.
 *
 * @return how many bytes the record has
 * @throws IllegalStateException if there is no current record
 * @throws java.io.IOException as [sink] does
 */
public fun WalCursor.copyTo(sink: BufferedSink): Int = sink.write(view())

private inline fun Wal.appendNext(source: BufferedSource, byteCount: Long, append: (ByteBuffer) -> Long): Long {
    require(byteCount in 0..options().maxRecordBytes()) {
        "the record has $byteCount bytes, expected 0 to maxRecordBytes ${options().maxRecordBytes()}"
    }
    source.require(byteCount)
    val lsn = append(source.buffer.first(byteCount.toInt()))
    source.skip(byteCount)
    return lsn
}

/** The first bytes: those of the buffer itself where they are in one segment, and a copy where they are not. */
private fun Buffer.first(byteCount: Int): ByteBuffer = readUnsafe().use { cursor ->
    if (cursor.next() >= byteCount) return ByteBuffer.wrap(cursor.data, cursor.start, byteCount)
    val bytes = ByteBuffer.allocate(byteCount)
    while (bytes.hasRemaining()) {
        bytes.put(cursor.data, cursor.start, minOf(cursor.end - cursor.start, bytes.remaining()))
        cursor.next()
    }
    bytes.flip()
}
