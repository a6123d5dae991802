package dev.kwal.crash

import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.WalStore
import java.nio.ByteBuffer
import java.util.Random

/**
 * A store that holds its callers up behind a write or a flush, so that others go on before the log hears that it is done.
 *
 * The disk lets one call through at a time and does it at once: without this nobody would ever write during a flush.
 */
internal class HesitatingStore(private val store: WalStore, seed: Long) : WalStore by store {
    private val random = Random(seed)

    override fun create(sequence: Long, header: ByteBuffer, expectedBytes: Long): SegmentWriter =
        Writer(store.create(sequence, header, expectedBytes))

    override fun resume(sequence: Long, position: Long, expectedBytes: Long): SegmentWriter =
        Writer(store.resume(sequence, position, expectedBytes))

    override fun toString() = "$store"

    private fun hesitate() {
        if (random.nextInt(3) == 0) repeat(random.nextInt(MOST_YIELDS)) { Thread.yield() }
    }

    private inner class Writer(private val writer: SegmentWriter) : SegmentWriter {
        override fun prepare(endPosition: Long) = writer.prepare(endPosition)

        override fun append(bytes: ByteBuffer) {
            writer.append(bytes)
            hesitate()
        }

        override fun sync() {
            writer.sync()
            hesitate()
        }

        override fun close() = writer.close()
    }

    private companion object {
        const val MOST_YIELDS = 100
    }
}
