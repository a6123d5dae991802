package dev.kwal.okio

import okio.FileHandle
import okio.IOException
import java.io.InputStream
import java.io.OutputStream
import java.nio.ByteBuffer
import java.util.Objects

private const val BLOCK_BYTES = 64 * 1024

/**
 * Writes a file from its start, a block at a time. Closing and flushing it do nothing.
 *
 * After a failure it is good for nothing, and says so at the end to one who did not hear. One thread.
 */
internal class OkioOutput(private val file: FileHandle) : OutputStream() {
    private val block = ByteBuffer.allocate(BLOCK_BYTES)
    private var position = 0L
    private var hasEnded = false
    private var failure: IOException? = null

    override fun write(octet: Int) {
        makeRoom()
        block.put(octet.toByte())
    }

    override fun write(bytes: ByteArray, offset: Int, length: Int) {
        Objects.checkFromIndexSize(offset, length, bytes.size)
        var done = 0
        while (done < length) {
            makeRoom()
            val count = minOf(length - done, block.remaining())
            block.put(bytes, offset + done, count)
            done += count
        }
    }

    /** Writes what is in the block; nothing can be written any more. */
    fun end() {
        writeBlock()
        hasEnded = true
    }

    private fun makeRoom() {
        if (hasEnded) throw IOException("the snapshot is complete")
        if (!block.hasRemaining()) writeBlock()
    }

    private fun writeBlock() {
        failure?.let { throw IOException("a write has failed before", it) }
        block.flip()
        val length = block.remaining()
        try {
            file.writeAll(position, block)
        } catch (e: IOException) {
            failure = e
            throw e
        } finally {
            block.clear()
        }
        position += length
    }
}

/** Reads a file from its start, a block at a time. One thread. */
internal class OkioInput(private val file: FileHandle) : InputStream() {
    private val block = ByteBuffer.allocate(BLOCK_BYTES).limit(0)
    private var position = 0L

    override fun read(): Int = if (fill()) block.get().toUByte().toInt() else -1

    override fun read(bytes: ByteArray, offset: Int, length: Int): Int {
        Objects.checkFromIndexSize(offset, length, bytes.size)
        if (length == 0) return 0
        if (!fill()) return -1
        val count = minOf(length, block.remaining())
        block.get(bytes, offset, count)
        return count
    }

    override fun close() = file.close()

    /** Whether there is another byte. */
    private fun fill(): Boolean {
        if (block.hasRemaining()) return true
        block.clear()
        var count = 0
        try {
            count = file.readAll(position, block)
        } finally {
            // After a failure there is nothing in the block.
            block.position(0).limit(count)
            position += count
        }
        return count > 0
    }
}
