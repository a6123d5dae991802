package dev.kwal.samples.importer

import java.io.InputStream
import java.nio.ByteBuffer

/**
 * How a piece of the input ends: the first byte of its record. The bytes of the piece follow, without the line feed.
 *
 * ```
 *   \n  hello      a line that ends with a line feed
 *   +   hel        the line is longer than a record and goes on in the next
 *   .   hello      the input ended here, without a line feed
 * ```
 *
 * A carriage return is a byte like any other: it stays in the piece.
 */
internal enum class Ending(val byte: Byte) {
    LINE_FEED('\n'.code.toByte()),
    CONTINUED('+'.code.toByte()),
    END('.'.code.toByte()),
    ;

    companion object {
        /** Null for a byte that means nothing here. */
        fun of(byte: Byte): Ending? = entries.firstOrNull { it.byte == byte }
    }
}

/** The most bytes of a line in one record: bounds the memory on both sides, whatever the input looks like. */
internal const val PIECE_BYTES = 64 * 1024

/**
 * Cuts an input into records, one for each line, or several where a line is long.
 *
 * Always: the pieces, each with what its ending stands for, are byte for byte the input read so far.
 *
 * Threads: one at a time. Blocks while the input does. Closing the input is up to who opened it.
 */
internal class PieceReader(private val input: InputStream) {
    private val block = ByteArray(PIECE_BYTES)
    private var position = 0
    private var limit = 0

    private val record = ByteBuffer.allocate(1 + PIECE_BYTES)

    /** The next record, valid until the next call; null at the end of the input. */
    fun next(): ByteBuffer? {
        record.clear().position(1)
        while (true) {
            if (position == limit && !fill()) return if (record.position() == 1) null else ended(Ending.END)
            if (block[position] == Ending.LINE_FEED.byte) {
                position++
                return ended(Ending.LINE_FEED)
            }
            if (!record.hasRemaining()) return ended(Ending.CONTINUED)
            take()
        }
    }

    /** Up to the next line feed, as far as there are bytes, and room for them. */
    private fun take() {
        val begin = position
        val end = begin + minOf(limit - begin, record.remaining())
        while (position < end && block[position] != Ending.LINE_FEED.byte) position++
        record.put(block, begin, position - begin)
    }

    private fun fill(): Boolean {
        position = 0
        limit = maxOf(0, input.read(block))
        return limit > 0
    }

    private fun ended(ending: Ending): ByteBuffer = record.put(0, ending.byte).flip()
}
