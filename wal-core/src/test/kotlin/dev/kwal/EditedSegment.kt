package dev.kwal

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32C

/** The bytes of a segment, to be changed, and its checksums made right again so that a reader believes the change. */
internal class EditedSegment(val bytes: ByteArray) {
    val buffer: ByteBuffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)

    val hasHeader get() = bytes.size >= Format.HEADER_BYTES

    /** The checksum of the header, which salts those of the frames. */
    val salt get() = buffer.getInt(AT_HEADER_CRC)

    /** Where frames begin, as their lengths say: up to the first that cannot be one. Their checksums do not matter. */
    fun frames(): List<Int> = buildList {
        var at = Format.HEADER_BYTES
        while (at + Format.FRAME_HEADER_BYTES <= bytes.size && fits(at)) {
            add(at)
            at += Format.align(Format.length(buffer, at)).toInt()
        }
    }

    private fun fits(at: Int): Boolean {
        val length = Format.length(buffer, at)
        return length >= Format.FRAME_HEADER_BYTES && Format.align(length) <= bytes.size - at
    }

    fun repairHeader() {
        if (hasHeader) buffer.putInt(AT_HEADER_CRC, crc(0, AT_HEADER_CRC))
    }

    /** Salts the frame with the checksum that stands in the header now. */
    fun repairFrame(at: Int) {
        if (!fits(at)) return
        buffer.putInt(at + AT_CRC, salt xor (at ushr 3))
        buffer.putInt(at + AT_CRC, crc(at, at + Format.align(Format.length(buffer, at)).toInt()))
    }

    fun repair() {
        repairHeader()
        frames().forEach(::repairFrame)
    }

    private fun crc(from: Int, to: Int): Int = CRC32C().also { it.update(bytes, from, to - from) }.value.toInt()

    companion object {
        const val AT_SEQUENCE = 40
        private const val AT_LOG_ID = 24
        private const val AT_NONCE = 48
        private const val AT_HEADER_CRC = 60
        private const val AT_CRC = 4
        private const val AT_PREDECESSOR_NONCE = Format.FRAME_HEADER_BYTES + 8

        /** The same log with nothing in it that was drawn by lot. */
        fun withoutLots(
            segments: Map<Long, ByteArray>,
        ): Map<Long, ByteArray> = segments.mapValues { (sequence, bytes) ->
            val edited = EditedSegment(bytes.copyOf())
            if (!edited.hasHeader) return@mapValues edited.bytes
            edited.buffer.putLong(AT_LOG_ID, 1).putLong(AT_LOG_ID + 8, 2).putLong(AT_NONCE, sequence)
            for (at in edited.frames().filter { Format.kind(edited.buffer, it) == Format.OPEN }) {
                val predecessor = edited.buffer.getLong(at + Format.FRAME_HEADER_BYTES)
                edited.buffer.putLong(at + AT_PREDECESSOR_NONCE, predecessor)
            }
            edited.repair()
            edited.bytes
        }
    }
}
