package dev.kwal.coroutines

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SegmentReader
import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Semaphore
import java.util.concurrent.TimeUnit.MILLISECONDS
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong

/** A store that notes what a log does to it and on which thread, and holds or fails its writes and syncs on demand. */
internal class WatchedStore(
    private val store: WalStore = MemoryStore(StoreCapabilities.DURABLE),
) : WalStore by store {
    val syncCount = AtomicInteger()
    val openReaders = AtomicInteger()
    val readBytes = AtomicLong()
    val syncThreads: MutableSet<String> = ConcurrentHashMap.newKeySet()
    val appendThreads: MutableSet<String> = ConcurrentHashMap.newKeySet()

    private val heldSyncs = Gate()
    private val heldAppends = Gate()

    @Volatile
    private var syncFailure: IOException? = null

    /** Stops every sync from now on inside the store, until [release]. */
    fun holdSyncs() = heldSyncs.close()

    /** Stops every append from now on inside the store, until [release]. */
    fun holdAppends() = heldAppends.close()

    fun awaitHeldSync() = heldSyncs.awaitArrival()

    fun awaitHeldAppend() = heldAppends.awaitArrival()

    fun release() {
        heldSyncs.open()
        heldAppends.open()
    }

    /** Every sync that begins or goes on after this throws. */
    fun failSyncs(failure: IOException) {
        syncFailure = failure
    }

    fun forget() {
        syncCount.set(0)
        readBytes.set(0)
        syncThreads.clear()
        appendThreads.clear()
    }

    override fun create(sequence: Long, header: ByteBuffer, expectedBytes: Long): SegmentWriter =
        WatchedWriter(store.create(sequence, header, expectedBytes))

    override fun resume(sequence: Long, position: Long, expectedBytes: Long): SegmentWriter =
        WatchedWriter(store.resume(sequence, position, expectedBytes))

    override fun open(sequence: Long): SegmentReader = WatchedReader(store.open(sequence))

    private inner class WatchedWriter(private val writer: SegmentWriter) : SegmentWriter by writer {
        override fun append(bytes: ByteBuffer) {
            appendThreads.add(Thread.currentThread().name)
            heldAppends.pass()
            writer.append(bytes)
        }

        override fun sync() {
            syncThreads.add(Thread.currentThread().name)
            syncCount.incrementAndGet()
            heldSyncs.pass()
            syncFailure?.let { throw it }
            writer.sync()
        }
    }

    private inner class WatchedReader(private val reader: SegmentReader) : SegmentReader by reader {
        init {
            openReaders.incrementAndGet()
        }

        override fun read(position: Long, target: ByteBuffer): Int =
            reader.read(position, target).also { readBytes.addAndGet(it.toLong()) }

        override fun close() {
            openReaders.decrementAndGet()
            reader.close()
        }
    }

    private class Gate {
        private val arrivals = Semaphore(0)

        @Volatile
        private var opening = CountDownLatch(0)

        fun close() {
            arrivals.drainPermits()
            opening = CountDownLatch(1)
        }

        fun open() = opening.countDown()

        fun pass() {
            if (opening.count == 0L) return
            arrivals.release()
            check(opening.await(PATIENCE.inWholeMilliseconds, MILLISECONDS)) { "nobody opened the gate" }
        }

        fun awaitArrival() =
            check(arrivals.tryAcquire(PATIENCE.inWholeMilliseconds, MILLISECONDS)) { "nobody came to the gate" }
    }
}
