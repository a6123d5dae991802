package dev.kwal

import dev.kwal.storage.SegmentWriter
import org.jetbrains.lincheck.datastructures.Operation
import org.jetbrains.lincheck.datastructures.Validate
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicIntegerArray

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
    private val path = WritePath(MODEL_OPTIONS, progress, segment, ::ArrayBuffer)
    private val driver = Driver(Durability.SYNCED, path, progress, Runnable::run) { false }
    private val tickets = ArrayList<CompletableFuture<Long>>()

    @Operation
    fun append(): Long {
        val lsn = path.tryPut(RECORD, 0, 1)
        return if (lsn != 0L) lsn else put(null).lsn()
    }

    @Operation
    fun appendBatch(): Long {
        val batch = FrameGroup.of(listOf(RECORD.duplicate(), RECORD.duplicate()), MODEL_OPTIONS)
        return path.tryPut(batch, null).lsn()
    }

    /** A record that wants to be the second; how far the log was if it was not. */
    @Operation
    fun appendSecond(): Long = try {
        putWhen(Precondition(2, Precondition.ANY))
    } catch (e: WalConflictException) {
        -e.actualNextLsn()
    }

    /** As the first writer; 0 if it is shut out. */
    @Operation
    fun appendAsFirst(): Long = try {
        putWhen(Precondition(Precondition.ANY, 1))
    } catch (_: WalFencedException) {
        0
    }

    private fun putWhen(condition: Precondition): Long {
        val group = FrameGroup.of(RECORD.duplicate(), MODEL_OPTIONS).`when`(condition)
        while (true) {
            val taken = path.tryPut(group, null)
            if (taken.room() == Terms.Room.TAKEN) return taken.lsn()
            path.awaitRoom()
        }
    }

    /** Shuts the first writer out. */
    @Operation
    fun beginSecond() = path.exclusively {
        path.drain()
        progress.fence(2)
    }

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
            if (taken.room() == Terms.Room.TAKEN) return taken
            path.awaitRoom()
        }
    }

    @Operation
    fun sync() = checkFlushed(path.commit(progress.lastLsn(), Durability.SYNCED))

    /** As [sync], by whoever drives already; as virtual threads do. */
    @Operation
    fun syncByDriver() = checkFlushed(path.commit(progress.lastLsn(), Durability.SYNCED, driver))

    @Operation
    fun write() {
        val lsn = path.commit(progress.lastLsn(), Durability.WRITTEN)
        check(writer.writtenRecords >= lsn) { "record $lsn counts as written and is not" }
    }

    @Operation
    fun look() = checkFlushed(progress.durableLsn())

    /** Something that needs the path for itself, such as a rotation: nobody appends meanwhile. */
    @Operation
    fun exclusively() = path.exclusively {
        val lastLsn = progress.lastLsn()
        path.drain()
        check(progress.lastLsn() == lastLsn) { "record ${progress.lastLsn()} was appended meanwhile" }
    }

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

    /** Its length words stand in an array of atomics, which the model checker sees. */
    private class ArrayBuffer(capacity: Int) : LogBuffer(ByteBuffer.allocate(capacity)) {
        private val lengths = AtomicIntegerArray(capacity / Format.ALIGNMENT + 1)

        /** Looks once more, so that the checker has a place where it can let others see what is not whole yet. */
        override fun publish(at: Int, length: Int) {
            bytes().putInt(at, length)
            lengths.set(at / Format.ALIGNMENT, length)
            lengths.get(at / Format.ALIGNMENT)
        }

        override fun publishedLength(at: Int): Int {
            val length = lengths.get(at / Format.ALIGNMENT)
            if (length != 0) return length
            val isRecord = Format.kind(bytes(), at) == Format.RECORD
            return if (isRecord) 0 else bytes().getInt(at)
        }

        override fun clear(from: Int, to: Int) {
            super.clear(from, to)
            for (word in from / Format.ALIGNMENT until to / Format.ALIGNMENT) lengths.set(word, 0)
        }
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

        /** Takes whole frames in the order of their LSNs, and whole batches only. */
        override fun append(bytes: ByteBuffer) {
            val frames = bytes.order(ByteOrder.LITTLE_ENDIAN)
            for (at in frames.position() until frames.limit() step RECORD_FRAME_BYTES.toInt()) {
                check(Format.lsn(frames, at) == writtenRecords + 1) { "record ${writtenRecords + 1} is not there" }
                writtenBytes += RECORD_FRAME_BYTES
            }
            val flags = Format.flags(frames, frames.limit() - RECORD_FRAME_BYTES.toInt())
            check(flags == Format.SINGLE || flags == Format.BATCH_END) { "half a batch is written" }
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
