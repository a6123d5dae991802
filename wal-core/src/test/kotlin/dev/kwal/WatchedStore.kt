package dev.kwal

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SegmentReader
import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import java.io.Closeable
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.CopyOnWriteArrayList

/**
 * A store that writes down what the log asks of it, and lets a test stand in the way of each call.
 *
 * Always: [calls] names the calls that change something, like `sync 3`, in the order in which they were done. A call
 * that threw is not among them. Thread-safe.
 */
internal class WatchedStore(private val medium: WalStore = MemoryStore(StoreCapabilities.DURABLE)) : WalStore {
    val calls = CopyOnWriteArrayList<String>()

    /** Sees each call before it is done, on the caller's thread. May throw, or wait. */
    @Volatile
    var before: (call: String) -> Unit = {}

    private val locks = CopyOnWriteArrayList<Closeable>()

    /** How often segments were synced. */
    val syncCount get() = calls.count { it.startsWith("sync ") }

    /** Gives the lock up, as the end of a process does. */
    fun forgetOwner() {
        locks.forEach(Closeable::close)
        locks.clear()
    }

    override fun capabilities() = medium.capabilities()

    override fun lock(): Closeable = medium.lock().also(locks::add)

    override fun segments(): LongArray = medium.segments()

    override fun create(sequence: Long, header: ByteBuffer, expectedBytes: Long): SegmentWriter =
        watched("create $sequence") { Writer(sequence, medium.create(sequence, header, expectedBytes)) }

    override fun resume(sequence: Long, position: Long, expectedBytes: Long): SegmentWriter =
        watched("resume $sequence") { Writer(sequence, medium.resume(sequence, position, expectedBytes)) }

    override fun open(sequence: Long): SegmentReader {
        before("open $sequence")
        return medium.open(sequence)
    }

    override fun delete(sequence: Long) = watched("delete $sequence") { medium.delete(sequence) }

    override fun toString() = medium.toString()

    private fun <T> watched(call: String, work: () -> T): T {
        before(call)
        return work().also { calls.add(call) }
    }

    private inner class Writer(private val sequence: Long, private val writer: SegmentWriter) : SegmentWriter {
        override fun append(bytes: ByteBuffer) = watched("append $sequence") { writer.append(bytes) }

        override fun sync() = watched("sync $sequence") { writer.sync() }

        override fun close() = writer.close()
    }
}

/** Lets the [nth] call whose name begins so from now on fail, and those after it up to [times]. */
internal fun WatchedStore.fail(call: String, nth: Int = 1, times: Int = 1, why: () -> Throwable = ::mediumError) {
    var seen = 0
    before = {
        if (it.startsWith(call)) {
            seen++
            if (seen >= nth && seen - nth < times) throw why()
        }
    }
}

/** Lets no call fail any more. */
internal fun WatchedStore.heal() {
    before = {}
}

internal fun mediumError() = IOException("the medium failed")

internal fun noSpace() = IOException("no space left")
