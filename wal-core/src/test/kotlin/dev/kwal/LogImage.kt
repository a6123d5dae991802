package dev.kwal

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32C

/** The bytes of each segment of a log. */
internal typealias LogImage = Map<Long, ByteArray>

internal fun WalStore.image(): LogImage = segments().associateWith { bytes(it) }

/** A store of its own that holds these bytes. */
internal fun LogImage.store(): MemoryStore {
    val store = MemoryStore(StoreCapabilities.DURABLE)
    forEach { (sequence, bytes) -> store.replace(sequence, bytes) }
    return store
}

internal fun LogImage.with(sequence: Long, change: (ByteArray) -> ByteArray): LogImage =
    this + (sequence to change(getValue(sequence).copyOf()))

internal fun LogImage.withLast(change: (ByteArray) -> ByteArray): LogImage = with(keys.max(), change)

internal fun LogImage.hasBytesOf(other: LogImage): Boolean =
    keys == other.keys && all { (sequence, bytes) -> bytes.contentEquals(other[sequence]) }

/** The whole frames of a segment, wherever they stand. */
internal fun LogImage.wholeFrames(sequence: Long): List<Frame> = store().framesAnywhere(sequence)

/**
 * The same log with other random numbers: those of the worked example for the first life, others for another one, of the
 * same log or of another. Two images of the same calls are equal byte for byte then.
 */
internal fun LogImage.normalized(life: Long = 1, ofSameLog: Boolean = life == 1L): LogImage =
    mapValues { (sequence, bytes) ->
        val logId = if (ofSameLog) 0x0706050403020100 else life
        val to = SegmentHeader(logId, 0x0F0E0D0C0B0A0908, sequence, nonce(sequence, life))
        headerIn(bytes)?.let { from -> bytes.under(from, to, life) } ?: bytes
    }

private fun nonce(sequence: Long, life: Long): Long = 0x1111111111111111 * sequence + (life - 1)

/** The whole frames of the segment, wherever they stand, under another header. */
private fun ByteArray.under(from: SegmentHeader, to: SegmentHeader, life: Long): ByteArray {
    val bytes = copyOf()
    val buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
    buffer.put(0, Format.encodeHeader(to).array())
    var at = Format.HEADER_BYTES
    while (at + Format.FRAME_HEADER_BYTES <= bytes.size) {
        val isFrame = Format.isPlausible(buffer, at, (bytes.size - at).toLong()) &&
            Format.hasValidCrc(buffer, at, Format.salt(from), at.toLong(), CRC32C())
        if (isFrame) {
            if (Format.kind(buffer, at) == Format.OPEN) {
                val link = at + Format.FRAME_HEADER_BYTES
                val predecessor = buffer.getLong(link)
                buffer.putLong(link + 8, if (predecessor == 0L) 0 else nonce(predecessor, life))
            }
            val frame = buffer.slice(at, Format.align(Format.length(buffer, at)).toInt())
            buffer.putInt(at + 4, crcOf(frame.order(ByteOrder.LITTLE_ENDIAN), Format.salt(to), at))
            at += frame.capacity()
        } else {
            at += Format.ALIGNMENT
        }
    }
    return bytes
}

private fun crcOf(frame: ByteBuffer, salt: Int, position: Int): Int {
    frame.putInt(4, salt xor (position ushr 3))
    return CRC32C().also { it.update(frame.duplicate()) }.value.toInt()
}
