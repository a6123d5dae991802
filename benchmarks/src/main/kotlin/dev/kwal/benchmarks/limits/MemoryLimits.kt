package dev.kwal.benchmarks.limits

import java.io.Closeable
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel
import java.nio.file.Path
import java.nio.file.StandardOpenOption
import java.util.concurrent.atomic.AtomicLong
import java.util.zip.CRC32C

/** What the format puts before each record. */
internal const val FRAME_HEADER_BYTES = 24

/** The bytes that a record takes in a segment. */
internal fun frameBytes(recordBytes: Int): Int = (FRAME_HEADER_BYTES + recordBytes + 7) and -8

/** Memory that was touched before: each record is copied into it and checksummed, and nothing is written anywhere. */
internal class TouchedMemory(bytes: Int = 64 shl 20) {
    private val memory = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN)
    private val reserved = AtomicLong()

    init {
        for (at in 0 until bytes step 512) memory.put(at, 1)
    }

    /** One caller with a view and a checksum of its own. */
    inner class Appender(private val record: ByteArray) {
        private val view = memory.duplicate().order(ByteOrder.LITTLE_ENDIAN)
        private val crc = CRC32C()
        private val frameBytes = frameBytes(record.size)
        private val frames = (memory.capacity() / frameBytes).toLong()

        fun append() {
            val lsn = reserved.getAndIncrement()
            val at = (lsn % frames).toInt() * frameBytes
            view.limit(at + FRAME_HEADER_BYTES + record.size).position(at + FRAME_HEADER_BYTES)
            view.put(record)
            view.putInt(at, record.size).putLong(at + 8, lsn)
            crc.reset()
            crc.update(view.position(at + 8))
            view.putInt(at + 4, crc.value.toInt())
        }
    }
}

/** A file of records under frames as long as the log's, and one pass over it that checks one CRC32C for each record. */
internal class CheckedFile(path: Path, recordBytes: Int, private val records: Long) : Closeable {
    private val channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.READ)
    private val block = ByteBuffer.allocateDirect(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN)
    private val crc = CRC32C()

    init {
        val frame = ByteBuffer.allocateDirect(frameBytes(recordBytes)).order(ByteOrder.LITTLE_ENDIAN)
        var position = 0L
        for (lsn in 1..records) {
            frame.putInt(0, recordBytes).putLong(8, lsn)
            frame.putInt(4, checksum(frame, 0, recordBytes))
            if (block.remaining() < frame.capacity()) position = flush(position)
            block.put(frame.clear())
        }
        flush(position)
    }

    /** Reads all of it with large positional reads, on the caller's thread, and says how many records were whole. */
    fun pass(): Long {
        var position = 0L
        var whole = 0L
        block.clear().limit(0)
        while (whole < records) {
            block.compact()
            val read = channel.read(block, position)
            block.flip()
            if (read < 0) throw IOException("the file ends after $whole records, expected $records")
            position += read
            var at = 0
            while (block.limit() - at >= FRAME_HEADER_BYTES) {
                val length = block.getInt(at)
                if (block.limit() - at < frameBytes(length)) break
                if (block.getInt(at + 4) != checksum(block, at, length)) throw IOException("record $whole is damaged")
                at += frameBytes(length)
                whole++
            }
            block.position(at)
        }
        return whole
    }

    private fun checksum(bytes: ByteBuffer, at: Int, length: Int): Int {
        val limit = bytes.limit()
        val position = bytes.position()
        crc.reset()
        crc.update(bytes.limit(at + FRAME_HEADER_BYTES + length).position(at + 8))
        bytes.limit(limit).position(position)
        return crc.value.toInt()
    }

    private fun flush(position: Long): Long {
        block.flip()
        var end = position
        while (block.hasRemaining()) end += channel.write(block, end)
        block.clear()
        return end
    }

    override fun close() = channel.close()

    private companion object {
        private const val BLOCK_BYTES = 1 shl 20
    }
}
