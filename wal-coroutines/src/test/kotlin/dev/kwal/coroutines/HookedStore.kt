package dev.kwal.coroutines

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SegmentReader
import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.SnapshotStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import java.io.Closeable
import java.nio.ByteBuffer

/** A store that calls [before] with the name of each call, on the thread of the call, which may throw. */
internal class HookedStore(
    private val store: WalStore = MemoryStore(StoreCapabilities.DURABLE),
    @Volatile var before: (String) -> Unit = {},
) : WalStore {
    override fun capabilities(): StoreCapabilities = store.capabilities()

    override fun lock(): Closeable {
        before("lock")
        val lock = store.lock()
        return Closeable {
            before("unlock")
            lock.close()
        }
    }

    override fun segments(): LongArray {
        before("segments")
        return store.segments()
    }

    override fun create(sequence: Long, header: ByteBuffer, expectedBytes: Long): SegmentWriter {
        before("create")
        return HookedWriter(store.create(sequence, header, expectedBytes))
    }

    override fun resume(sequence: Long, position: Long, expectedBytes: Long): SegmentWriter {
        before("resume")
        return HookedWriter(store.resume(sequence, position, expectedBytes))
    }

    override fun pins(): SnapshotStore = store.pins()

    override fun open(sequence: Long): SegmentReader {
        before("open")
        return HookedReader(store.open(sequence))
    }

    override fun delete(sequence: Long) {
        before("delete")
        store.delete(sequence)
    }

    private inner class HookedWriter(private val writer: SegmentWriter) : SegmentWriter {
        override fun append(bytes: ByteBuffer) {
            before("append")
            writer.append(bytes)
        }

        override fun prepare(endPosition: Long): Long {
            before("prepare")
            return writer.prepare(endPosition)
        }

        override fun sync() {
            before("sync")
            writer.sync()
        }

        override fun close() {
            before("close writer")
            writer.close()
        }
    }

    private inner class HookedReader(private val reader: SegmentReader) : SegmentReader {
        override fun size(): Long {
            before("size")
            return reader.size()
        }

        override fun read(position: Long, target: ByteBuffer): Int {
            before("read")
            return reader.read(position, target)
        }

        override fun close() {
            before("close reader")
            reader.close()
        }
    }
}
