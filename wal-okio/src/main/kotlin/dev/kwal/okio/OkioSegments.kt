package dev.kwal.okio

import dev.kwal.storage.SegmentReader
import dev.kwal.storage.SegmentWriter
import okio.FileHandle
import okio.IOException
import java.nio.ByteBuffer
import java.nio.channels.ClosedChannelException

private const val BLOCK_BYTES = 64 * 1024
private val ZEROS = ByteArray(BLOCK_BYTES)

/**
 * Appends at a position of its own.
 *
 * Always: after a failed append or sync nothing touches the file again but its closing.
 *
 * @property position where the next byte goes
 * @property preparedPosition up to where zeros were written ahead; [Long.MAX_VALUE] where the file grows as it is written
 * @property trims whether closing gives back what is behind the position; a new file that was never used stays prepared
 */
internal class OkioSegmentWriter(
    private val handle: FileHandle,
    private val flush: Flush,
    private var position: Long,
    private var preparedPosition: Long,
    private var trims: Boolean,
) : SegmentWriter {
    @Volatile
    private var failure: Throwable? = null

    @Volatile
    private var closed = false

    override fun prepare(endPosition: Long): Long {
        requireUsable()
        if (endPosition > preparedPosition) {
            handle.writeZeros(maxOf(position, preparedPosition), endPosition)
            preparedPosition = endPosition
        }
        return preparedPosition
    }

    override fun append(bytes: ByteBuffer) = unlessFailed {
        trims = true
        val end = position + bytes.remaining()
        handle.writeAll(position, bytes)
        position = end
    }

    override fun sync() = unlessFailed { flush.run() }

    override fun close() {
        if (closed) return
        closed = true
        handle.use { file ->
            flush.use { if (trims && failure == null && file.size() > position) file.resize(position) }
        }
    }

    private fun requireUsable() {
        if (closed) throw ClosedChannelException()
        failure?.let { throw IOException("the segment writer failed before", it) }
    }

    private inline fun unlessFailed(step: () -> Unit) {
        requireUsable()
        try {
            step()
        } catch (thrown: Throwable) {
            failure = thrown
            throw thrown
        }
    }
}

internal class OkioSegmentReader(private val handle: FileHandle) : SegmentReader {
    @Volatile
    private var closed = false

    override fun size(): Long {
        if (closed) throw ClosedChannelException()
        return handle.size()
    }

    override fun read(position: Long, target: ByteBuffer): Int {
        if (closed) throw ClosedChannelException()
        require(position >= 0) { "position is negative: $position" }
        return handle.readAll(position, target)
    }

    override fun close() {
        closed = true
        handle.close()
    }
}

/** Writes zeros from one position to another. */
internal fun FileHandle.writeZeros(from: Long, to: Long) {
    for (at in from until to step BLOCK_BYTES.toLong()) {
        write(at, ZEROS, 0, minOf(BLOCK_BYTES.toLong(), to - at).toInt())
    }
}

/** Writes all that remains. A file system that wrote less without a word is caught by the size of the file. */
internal fun FileHandle.writeAll(position: Long, source: ByteBuffer) {
    val end = position + source.remaining()
    if (source.hasArray()) {
        write(position, source.array(), source.arrayOffset() + source.position(), source.remaining())
        source.position(source.limit())
    } else {
        val block = ByteArray(minOf(source.remaining(), BLOCK_BYTES))
        while (source.hasRemaining()) {
            val at = end - source.remaining()
            val count = minOf(source.remaining(), block.size)
            source.get(block, 0, count)
            write(at, block, 0, count)
        }
    }
    val size = size()
    if (size < end) throw IOException("written up to byte $end, but the file has $size bytes")
}

/**
 * Reads until [target] is full or the file ends. Never asks okio for more than there is: where the system reads less than
 * it was asked for, okio puts what it reads next in the same place.
 */
internal fun FileHandle.readAll(position: Long, target: ByteBuffer): Int {
    val start = target.position()
    val block = if (target.hasArray()) target.array() else ByteArray(minOf(target.remaining(), BLOCK_BYTES))
    while (target.hasRemaining()) {
        val at = position + (target.position() - start)
        val count = (size() - at).coerceIn(0, minOf(target.remaining(), BLOCK_BYTES).toLong()).toInt()
        if (count == 0 || readBlock(at, target, block, count) <= 0) break
    }
    return target.position() - start
}

private fun FileHandle.readBlock(at: Long, target: ByteBuffer, block: ByteArray, count: Int): Int {
    if (!target.hasArray()) return read(at, block, 0, count).also { if (it > 0) target.put(block, 0, it) }
    val read = read(at, block, target.arrayOffset() + target.position(), count)
    if (read > 0) target.position(target.position() + read)
    return read
}
