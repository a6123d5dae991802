package dev.kwal.benchmarks.limits

import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Path
import java.nio.file.StandardOpenOption

/**
 * The least that can be done to a file: positional writes, one behind the other, and `force(false)`.
 *
 * With [preallocatedBytes] the file is written with zeros and flushed first, never changes its size, and begins again
 * at its start when it is full. With 0 every write extends it.
 */
internal class RawFile(path: Path, private val preallocatedBytes: Long) : Closeable {
    private val channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)
    private var position = 0L

    init {
        val zeros = ByteBuffer.allocateDirect(BLOCK_BYTES)
        for (at in 0 until preallocatedBytes step BLOCK_BYTES.toLong()) channel.write(zeros.clear(), at)
        channel.force(true)
    }

    fun write(bytes: ByteBuffer) {
        if (preallocatedBytes > 0 && position + bytes.remaining() > preallocatedBytes) position = 0
        while (bytes.hasRemaining()) position += channel.write(bytes, position)
    }

    fun force() = channel.force(false)

    override fun close() = channel.close()

    companion object {
        /** In such pieces a log prepares its segments, too: larger ones make short writes into them slower on Linux. */
        private const val BLOCK_BYTES = 256 shl 10

        /** As much as a segment of a log has by default. */
        const val PREALLOCATED_BYTES = 64L shl 20
    }
}
