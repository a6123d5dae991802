package dev.kwal.samples.kv

import dev.kwal.Durability
import dev.kwal.WalOptions
import dev.kwal.coroutines.SuspendingSnapshots
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.snapshots
import dev.kwal.coroutines.typed
import dev.kwal.storage.FileSnapshotStore
import dev.kwal.storage.FileStore
import dev.kwal.storage.SnapshotStore
import dev.kwal.storage.WalStore
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import java.io.DataInputStream
import java.io.DataOutputStream
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.nio.ByteBuffer
import java.nio.file.Path
import java.util.concurrent.ConcurrentHashMap

/**
 * A map of strings that survives power loss: the log is the truth, the map in memory is what it amounts to. It teaches
 * three things that every such store has to get right.
 *
 * **The order of the log is the order of the map.** Of two puts to one key, the one with the higher LSN wins at the next
 * open, so it has to win now. The obvious `appendAndSync`, and then `map[key] = value`, gets this wrong: both callers
 * share one flush, resume in any order, and the map keeps what the log has overwritten. Here a change gets its LSN and
 * its place in a queue in one step, and the queue is applied from its head.
 *
 * **Nobody reads what may still be lost.** A change enters the map when it is durable. Waiting for that is outside the
 * lock, so that all who wait share flushes.
 *
 * **A checkpoint needs something to stand on.** Before records are dropped, what they amount to must be durable
 * elsewhere: [compact] publishes it as a snapshot, which is the map after one record and no later one.
 *
 * Always: after a change has returned, the map is what the next [open] will rebuild.
 *
 * Cancellation: a change that has begun goes on to its end, so that its outcome is known.
 *
 * Threads: any. When the log fails, changes throw [dev.kwal.WalFailedException] for ever, and reading goes on with what
 * was durable.
 */
class KeyValueStore private constructor(
    private val log: SuspendingWal,
    private val snapshots: SuspendingSnapshots,
    private val values: ConcurrentHashMap<String, String>,
) {
    private class Accepted(val lsn: Long, val change: Change)

    private val changes = log.typed(Change)

    /** Changes in the log and not yet in the map, in LSN order. Guarded by [order], as is writing to the map. */
    private val queue = ArrayDeque<Accepted>()
    private val order = Mutex()

    /** A map that was copied earlier must not be published later. Taken before [order]. */
    private val compacting = Mutex()

    operator fun get(key: String): String? = values[key]

    /** A copy of everything. Changes made while it is taken may be in it or not. */
    fun toMap(): Map<String, String> = HashMap(values)

    /** Durable, and to be seen by everybody, on return. */
    suspend fun put(key: String, value: String) = commit(Change.Put(key, value))

    /** Durable, and to be seen by everybody, on return. Does no harm where there is no such key. */
    suspend fun remove(key: String) = commit(Change.Remove(key))

    /**
     * Takes a snapshot, from which the next [open] begins, and shortens the log: the newest two snapshots are kept, and the
     * records behind the older one. So the first compaction drops nothing yet.
     *
     * A crash at any point does no harm: the snapshot is durable before anything is dropped.
     *
     * Changes wait while the map is copied, not while it is written.
     *
     * Cancellation: the snapshot is given up or published; either is right.
     */
    suspend fun compact() {
        compacting.withLock {
            val (lsn, copy) = order.withLock {
                val last = log.lastLsn
                publish(log.sync(last))
                last to HashMap(values)
            }
            snapshots.publish(lsn) { write(copy, it) }
        }
    }

    /** Closes the log. Reading goes on, changes get [dev.kwal.WalClosedException]. Idempotent. */
    suspend fun close() = log.close()

    /** What `appendAndSync` does, in two steps: the first under the lock, the second outside. */
    private suspend fun commit(change: Change) {
        withContext(NonCancellable) {
            val lsn = order.withLock {
                changes.append(change, Durability.BUFFERED).also { queue.addLast(Accepted(it, change)) }
            }
            val durableLsn = log.sync(lsn)
            order.withLock { publish(durableLsn) }
        }
    }

    private fun publish(durableLsn: Long) {
        while (queue.isNotEmpty() && queue.first().lsn <= durableLsn) values.apply(queue.removeFirst().change)
    }

    companion object {
        /** Opens the store in a directory, creating it where missing. As [open] of a [WalStore]. */
        suspend fun open(directory: Path, options: WalOptions = WalOptions.DEFAULT): KeyValueStore =
            open(FileStore.of(directory), FileSnapshotStore.of(directory.resolve("snapshots")), options)

        /**
         * Opens the log, takes the map from the newest whole snapshot, and replays what is behind it. Gives up at the first
         * record that it cannot read: half a map is worse than none.
         *
         * @throws dev.kwal.WalCorruptedException if durable data is damaged
         * @throws dev.kwal.WalSnapshotException if snapshots and log do not give a map without a gap
         * @throws ForeignRecordException if the log is of somebody else
         * @throws IllegalArgumentException if the medium cannot make anything durable
         */
        suspend fun open(
            medium: WalStore,
            shelf: SnapshotStore,
            options: WalOptions = WalOptions.DEFAULT,
        ): KeyValueStore {
            val log = SuspendingSnapshots.openLog(medium, shelf, options)
            try {
                val snapshots = log.snapshots(shelf)
                val recovered = snapshots.recover({ ConcurrentHashMap() }, ::read) { values, lsn, record ->
                    try {
                        values.also { it.apply(Change.decode(record)) }
                    } catch (foreign: IOException) {
                        throw ForeignRecordException(lsn, foreign)
                    }
                }
                log.sync()
                return KeyValueStore(log, snapshots, recovered.state)
            } catch (thrown: Throwable) {
                withContext(NonCancellable) { runCatching { log.close() }.onFailure(thrown::addSuppressed) }
                throw thrown
            }
        }

        private fun MutableMap<String, String>.apply(change: Change) {
            when (change) {
                is Change.Put -> put(change.key, change.value)
                is Change.Remove -> remove(change.key)
            }
        }

        /** A snapshot: how many keys there are, and the length and bytes of a put for each. */
        private fun write(values: Map<String, String>, target: OutputStream) {
            val output = DataOutputStream(target)
            output.writeInt(values.size)
            for ((key, value) in values) {
                val record = Change.encode(Change.Put(key, value))
                output.writeInt(record.remaining())
                output.write(record.array(), record.position(), record.remaining())
            }
        }

        private fun read(content: InputStream): ConcurrentHashMap<String, String> {
            val input = DataInputStream(content)
            val values = ConcurrentHashMap<String, String>()
            repeat(input.readInt()) {
                values.apply(Change.decode(ByteBuffer.wrap(input.readNBytes(input.readInt()))))
            }
            return values
        }
    }
}
