package dev.kwal

import dev.kwal.storage.WalStore
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32C

/** A frame as it stands in a segment. */
internal class Frame(
    val sequence: Long,
    val position: Long,
    val end: Long,
    val kind: Byte,
    val lsn: Long,
    val durableLsn: Long,
    val text: String,
    /** The payload of a frame that holds one number. */
    val number: Long,
) {
    val isRecord get() = kind == Format.RECORD

    override fun toString() = "segment $sequence byte $position: kind $kind, LSN $lsn"
}

internal fun WalStore.bytes(sequence: Long): ByteArray = open(sequence).use { reader ->
    val buffer = ByteBuffer.allocate(reader.size().toInt())
    buffer.array().copyOf(reader.read(0, buffer))
}

/** Puts a segment of these bytes in the place of the one that is there, if one is. */
internal fun WalStore.replace(sequence: Long, bytes: ByteArray) {
    if (sequence in segments()) delete(sequence)
    val header = minOf(bytes.size, Format.HEADER_BYTES)
    create(sequence, ByteBuffer.wrap(bytes, 0, header), bytes.size.toLong()).use {
        it.append(ByteBuffer.wrap(bytes, header, bytes.size - header))
        it.sync()
    }
}

internal fun WalStore.header(sequence: Long): SegmentHeader = checkNotNull(headerIn(bytes(sequence)))

internal fun headerIn(segment: ByteArray): SegmentHeader? =
    Format.decodeHeader(ByteBuffer.wrap(segment).order(ByteOrder.LITTLE_ENDIAN), segment.size).header()

/** All whole frames, up to the first thing that is none. */
internal fun WalStore.frames(sequence: Long): List<Frame> {
    val header = headerIn(bytes(sequence)) ?: return emptyList()
    return FrameScanner(open(sequence), header, 1 shl 24, 4096).use { scanner ->
        buildList { while (scanner.next() == FrameScanner.Step.FRAME) add(scanner.frame(sequence)) }
    }
}

/** All whole frames, wherever they stand. */
internal fun WalStore.framesAnywhere(sequence: Long): List<Frame> {
    val size = bytes(sequence).size
    val header = headerIn(bytes(sequence)) ?: return emptyList()
    return FrameScanner(open(sequence), header, 1 shl 24, 4096).use { scanner ->
        buildList {
            while (scanner.position() < size) {
                val at = scanner.position()
                if (scanner.next() == FrameScanner.Step.FRAME) {
                    add(scanner.frame(sequence))
                } else {
                    scanner.seek(at + Format.ALIGNMENT)
                }
            }
        }
    }
}

private fun FrameScanner.frame(sequence: Long): Frame {
    val payload = ByteArray(payloadBytes()).also { payload().get(it) }
    return Frame(sequence, framePosition(), position(), kind(), lsn(), durableLsn(), payload.decodeToString(), number())
}

/** A segment made by hand, frame after frame. */
internal class CraftedSegment(private val header: SegmentHeader) {
    private val buffer = FrameBuffer.onHeap(1 shl 20).also {
        it.begin(Format.salt(header), Format.HEADER_BYTES.toLong())
    }

    fun open(baseLsn: Long = 1, firstLsn: Long = baseLsn, reason: OpenFrame.Reason = OpenFrame.Reason.NEW) =
        open(OpenFrame(0, 0, 0, baseLsn, firstLsn, 0, baseLsn - 1, reason))

    fun open(frame: OpenFrame) = apply { buffer.putOpen(frame) }

    fun record(lsn: Long, text: String, durableLsn: Long = 0, flags: Byte = Format.SINGLE) =
        apply { buffer.putRecord(text.toBuffer(), flags, lsn, durableLsn) }

    fun seal(baseLsn: Long, count: Long) = apply {
        val last = baseLsn + count - 1
        buffer.putSeal(SealFrame(baseLsn, count, SparseIndex()), last, last)
    }

    fun mark(kind: Byte, lsn: Long) = apply { buffer.putMark(kind, buffer.endPosition(), lsn, lsn) }

    fun bytes(): ByteArray {
        val frames = buffer.frames()
        return Format.encodeHeader(header).array() + ByteArray(frames.remaining()).also { frames.get(it) }
    }
}

/** The segment with fields of its header changed, and the checksum made right. */
internal fun withHeader(segment: ByteArray, change: (ByteBuffer) -> Unit): ByteArray {
    val changed = segment.copyOf()
    val buffer = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN)
    change(buffer)
    val crc = CRC32C().also { it.update(changed, 0, Format.HEADER_BYTES - 4) }
    buffer.putInt(Format.HEADER_BYTES - 4, crc.value.toInt())
    return changed
}
