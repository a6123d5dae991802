package dev.kwal

import dev.kwal.storage.SegmentWriter
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.nio.ByteBuffer
import java.util.zip.CRC32C

private val RECORD: ByteBuffer = ByteBuffer.wrap(ByteArray(8))
private val FRAME_BYTES = Format.frameBytes(8)
private val ROOMY = WalOptions.DEFAULT.withBufferBytes(4096).withSegmentBytes(1 shl 20)
private val HEADER = SegmentHeader(1, 2, 1, 3)

/** An appender that stops between reserving its room and publishing its record. */
class StalledAppenderSpec :
    StringSpec({
        "it holds back nothing that was appended before it" {
            val path = StallingPath()
            path.append()
            path.stall()
            path.append() shouldBe 3
            path.commit(1) shouldBe 1
            path.flushedRecords shouldBe 1
        }

        "no watermark passes its record, and everything behind it is there once it goes on" {
            val path = StallingPath()
            path.append()
            val stalled = path.stall()
            path.append()
            val committing = running { path.commit(3) }
            awaitUntil { committing.isPaused || committing.isDone }
            path.progress.lastLsn() shouldBe 3
            path.progress.writtenLsn() shouldBe 1
            path.progress.durableLsn() shouldBe 1
            path.finish(stalled)
            committing.result() shouldBe 3
            path.flushedRecords shouldBe 3
        }

        "whoever needs the path for itself waits for it" {
            val path = StallingPath()
            val stalled = path.stall()
            val rotating = running { path.path.exclusively { path.path.drain() } }
            awaitUntil { rotating.isPaused || rotating.isDone }
            path.flushedRecords shouldBe 0
            path.finish(stalled)
            rotating.result()
            path.flushedRecords shouldBe 1
        }

        "nobody appends while somebody has the path for itself" {
            val path = StallingPath()
            path.path.exclusively { path.path.tryPut(RECORD, 0, 8) shouldBe 0 }
            path.append() shouldBe 1
        }

        "a buffer that is filled again shows nothing of what it held" {
            val path = StallingPath()
            repeat(1000) { path.commit(path.append()) }
            val stalled = path.stall()
            path.append() shouldBe 1002
            val committing = running { path.commit(1002) }
            awaitUntil { committing.isPaused || committing.isDone }
            path.progress.writtenLsn() shouldBe 1000
            path.finish(stalled)
            committing.result() shouldBe 1002
        }

        "one that breaks fails the log for those behind it, and keeps what was durable" {
            val path = StallingPath()
            path.append()
            path.commit(1)
            val committing = running {
                path.stall()
                shouldThrow<WalFailedException> { path.commit(2) }
            }
            awaitUntil { committing.isPaused || committing.isDone }
            shouldThrow<IndexOutOfBoundsException> { path.path.tryPut(RECORD, 0, 16) }
            committing.result().durableLsn() shouldBe 1
            shouldThrow<WalFailedException> { path.append() }
        }
    })

private class StallingPath {
    private val writer = CheckingWriter()
    val progress = Progress(Runnable::run, Observers(), 0, 0, 0)
    val path = WritePath(
        ROOMY,
        progress,
        ActiveSegment(HEADER, OpenFrame(0, 0, 0, 1, 1, 0, 0, OpenFrame.Reason.NEW), writer, SparseIndex(), 64),
    )

    val flushedRecords get() = writer.flushed / FRAME_BYTES

    fun append(): Long {
        val lsn = path.tryPut(RECORD, 0, 8)
        return if (lsn != 0L) lsn else path.tryPut(FrameGroup.of(RECORD, ROOMY), null).lsn()
    }

    fun commit(lsn: Long): Long = path.commit(lsn, Durability.SYNCED)

    fun stall(): Long = progress.term().reserve(FRAME_BYTES)

    fun finish(stalled: Long) = progress.term().put(stalled, RECORD, 0, 8, 0)

    /** Refuses what is not whole. */
    private class CheckingWriter : SegmentWriter {
        @Volatile
        private var written = 0L

        @Volatile
        var flushed = 0L

        override fun prepare(endPosition: Long): Long = 1L shl 21

        override fun append(bytes: ByteBuffer) {
            val frames = Format.buffer(bytes.remaining()).put(bytes).flip()
            for (at in 0 until frames.limit() step FRAME_BYTES.toInt()) {
                val position = 64 + written + at
                if (!Format.hasValidCrc(frames, at, Format.salt(HEADER), position, CRC32C())) {
                    throw IOException("half a frame at $position")
                }
            }
            written += frames.limit()
        }

        override fun sync() {
            flushed = written
        }

        override fun close() = Unit
    }
}

/** It has found a record that is not published, and gives its appender time. */
private val Running<*>.isPaused get() = thread.state == Thread.State.TIMED_WAITING
