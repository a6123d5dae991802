package dev.kwal.kills

import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.WalStore
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger

/** Has whoever makes the call of a [Stop] wait for ever. All others go on. */
internal class StoppingStore(
    private val medium: WalStore,
    private val stop: Stop?,
    private val atStop: () -> Unit,
) : WalStore {
    private val seen = AtomicInteger()

    @Volatile
    var phase = Phase.OPENING

    private fun before(call: String) {
        if (stop == null || phase != stop.phase || !call.startsWith(stop.call)) return
        if (seen.incrementAndGet() != stop.nth) return
        atStop()
        CountDownLatch(1).await()
    }

    override fun capabilities() = medium.capabilities()

    override fun lock() = before("lock").let { medium.lock() }

    override fun segments() = before("segments").let { medium.segments() }

    override fun create(sequence: Long, header: ByteBuffer, expectedBytes: Long): SegmentWriter {
        before("create")
        return Writer(medium.create(sequence, header, expectedBytes))
    }

    override fun resume(sequence: Long, position: Long, expectedBytes: Long): SegmentWriter {
        before("resume")
        return Writer(medium.resume(sequence, position, expectedBytes))
    }

    override fun pins() = medium.pins()

    override fun open(sequence: Long) = before("open").let { medium.open(sequence) }

    override fun delete(sequence: Long) = before("delete").let { medium.delete(sequence) }

    private inner class Writer(private val writer: SegmentWriter) : SegmentWriter {
        override fun prepare(endPosition: Long): Long = before("prepare").let { writer.prepare(endPosition) }

        override fun append(bytes: ByteBuffer) = before("append").let { writer.append(bytes) }

        override fun sync() = before("sync").let { writer.sync() }

        override fun close() = before("end").let { writer.close() }
    }
}
