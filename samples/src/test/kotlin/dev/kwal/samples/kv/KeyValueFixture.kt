package dev.kwal.samples.kv

import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.storage.FileSnapshotStore
import dev.kwal.storage.FileStore
import dev.kwal.storage.MemorySnapshotStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.SnapshotStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.time.Duration
import kotlin.io.path.copyTo
import kotlin.io.path.createDirectory
import kotlin.io.path.isDirectory
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.random.Random

/** Nothing happens by itself, and a few hundred changes fill a segment. */
internal val SMALL: WalOptions =
    WalOptions.DEFAULT.withSegmentBytes(16 shl 10).withFlushInterval(Duration.ofHours(1))

/** Where a store has its log and its snapshots. */
internal class Medium(
    val log: WalStore = MemoryStore(StoreCapabilities.DURABLE),
    val snapshots: SnapshotStore = MemorySnapshotStore(),
)

internal fun Path.medium(): Medium = Medium(FileStore.of(this), FileSnapshotStore.of(resolve("snapshots")))

/** Opens the store, changes it, closes it, and gives what it had in memory. */
internal suspend fun Medium.changed(change: suspend KeyValueStore.() -> Unit): Map<String, String> {
    val store = KeyValueStore.open(log, snapshots, SMALL)
    try {
        store.change()
        return store.toMap()
    } finally {
        store.close()
    }
}

/** What is in the log and its snapshots. */
internal suspend fun Medium.contents(): Map<String, String> = changed { }

internal suspend fun Path.changed(change: suspend KeyValueStore.() -> Unit) = medium().changed(change)

internal suspend fun Path.contents() = medium().contents()

internal fun Path.logBytes(): Long = Wal.openReadOnly(this).use { it.sizeBytes() }

/** The files as they are now: what a crash at this moment would leave. */
internal fun Path.copied(to: Path): Path {
    to.createDirectory()
    for (file in listDirectoryEntries()) {
        try {
            if (file.isDirectory()) file.copied(to.resolve(file.name)) else file.copyTo(to.resolve(file.name))
        } catch (_: NoSuchFileException) {
            // The log prepares a segment in the background, under a name that is gone when it is ready. It holds nothing.
            continue
        }
    }
    return to
}

/** Many coroutines change few keys. */
internal suspend fun KeyValueStore.changeConcurrently(
    round: Int,
    keyCount: Int = 3,
) = withContext(Dispatchers.Default) {
    repeat(16) { writer ->
        launch {
            val random = Random(round * 16 + writer)
            repeat(20) { number ->
                val key = "key ${random.nextInt(keyCount)}"
                if (random.nextInt(4) == 0) remove(key) else put(key, "$round $writer $number")
            }
        }
    }
}

/** Does something before and after a snapshot is made, half way, and before it is deleted. */
internal class WatchedSnapshots(private val store: SnapshotStore) : SnapshotStore by store {
    var beforeEach: () -> Unit = {}

    override fun create(sequence: Long, content: SnapshotStore.Content) {
        beforeEach()
        store.create(sequence) {
            content.writeTo(it)
            beforeEach()
        }
        beforeEach()
    }

    override fun delete(sequence: Long) {
        beforeEach()
        store.delete(sequence)
    }
}

/** Does something before each flush and each deletion, where a crash is most interesting. */
internal class WatchedStore(private val store: WalStore) : WalStore by store {
    var beforeEach: () -> Unit = {}

    override fun create(sequence: Long, header: ByteBuffer, expectedBytes: Long): SegmentWriter =
        Writer(store.create(sequence, header, expectedBytes))

    override fun resume(sequence: Long, position: Long, expectedBytes: Long): SegmentWriter =
        Writer(store.resume(sequence, position, expectedBytes))

    override fun delete(sequence: Long) {
        beforeEach()
        store.delete(sequence)
    }

    private inner class Writer(private val writer: SegmentWriter) : SegmentWriter by writer {
        override fun prepare(endPosition: Long): Long = writer.prepare(endPosition)

        override fun sync() {
            beforeEach()
            writer.sync()
        }
    }
}
