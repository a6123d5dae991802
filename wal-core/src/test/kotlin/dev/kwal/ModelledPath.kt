package dev.kwal

import dev.kwal.storage.SegmentWriter
import org.jetbrains.lincheck.datastructures.Operation
import org.jetbrains.lincheck.datastructures.Validate
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture

private const val SEGMENT_BYTES = 1L shl 20
private val MODEL_OPTIONS = WalOptions.DEFAULT.withBufferBytes(4096).withSegmentBytes(SEGMENT_BYTES)
private val RECORD_FRAME_BYTES = Format.frameBytes(1)

/**
 * The write path over a segment that only counts, in memory that a model checker sees.
 *
 * Its operations are compared with the same ones in one thread after the other. What no order of operations may do is
 * checked where it would happen: a record counts as durable although no flush covered it.
 */
class ModelledPath {
    private val header = SegmentHeader(1, 2, 1, 3)
    private val writer = CountingWriter()
    private val progress = Progress(Runnable::run, Observers(), 0, 0, 0)
    private val segment =
        ActiveSegment(header, OpenFrame(0, 0, 0, 1, 1, 0, 0, OpenFrame.Reason.NEW), writer, SparseIndex(), 64)
    private val path = WritePath(MODEL_OPTIONS, progress, segment, FrameBuffer::onHeap)
    private val tickets = ArrayList<CompletableFuture<Long>>()

    @Operation
    fun append(): Long = put(null).lsn()

    /** The ticket is looked at by [everybodyIsTold]. */
    @Operation
    fun appendAsync(): Long {
        val ticket = checkNotNull(put(Durability.SYNCED).ticket())
        val reached = ticket.reached().toCompletableFuture()
        synchronized(tickets) { tickets.add(reached) }
        return ticket.lsn()
    }

    private fun put(ticketLevel: Durability?): WritePath.Taken {
        while (true) {
            val taken = path.tryPut(FrameGroup.of(RECORD.duplicate(), MODEL_OPTIONS), ticketLevel)
            if (taken.room() == WritePath.Room.TAKEN) return taken
            path.awaitRoom()
        }
    }

    @Operation
    fun sync() = checkFlushed(path.commit(progress.lastLsn(), Durability.SYNCED))

    @Operation
    fun write() {
        val lsn = path.commit(progress.lastLsn(), Durability.WRITTEN)
        check(writer.writtenRecords >= lsn) { "record $lsn counts as written and is not" }
    }

    @Operation
    fun look() = checkFlushed(progress.durableLsn())

    /** Something that needs the path for itself, such as a rotation. */
    @Operation
    fun exclusively() = path.exclusively { path.drain() }

    /** From here on flushes fail. */
    @Operation
    fun breakDisk() {
        writer.isBroken = true
    }

    @Operation
    fun close() = progress.close()

    private fun checkFlushed(lsn: Long) = check(writer.flushedRecords >= lsn) {
        "record $lsn counts as durable and is not"
    }

    /** Whoever waits is told, after a last flush at the latest. */
    @Validate
    fun everybodyIsTold() {
        runCatching { path.commit(progress.lastLsn(), Durability.SYNCED) }
        check(tickets.all { it.isDone }) { "a ticket is left waiting" }
        check(progress.isFailed || progress.durableLsn() == progress.lastLsn())
        checkFlushed(progress.durableLsn())
    }

    /** A flush covers what was written before it began. */
    private class CountingWriter : SegmentWriter {
        @Volatile
        var isBroken = false

        @Volatile
        var flushedRecords = 0L

        @Volatile
        private var writtenBytes = 0L

        val writtenRecords: Long get() = writtenBytes / RECORD_FRAME_BYTES

        override fun prepare(endPosition: Long): Long = SEGMENT_BYTES * 2

        override fun append(bytes: ByteBuffer) {
            writtenBytes += bytes.remaining()
        }

        override fun sync() {
            val records = writtenRecords
            if (isBroken) throw IOException("broken")
            flushedRecords = records
        }

        override fun close() = Unit
    }

    private companion object {
        val RECORD: ByteBuffer = ByteBuffer.wrap(byteArrayOf(1))
    }
}
