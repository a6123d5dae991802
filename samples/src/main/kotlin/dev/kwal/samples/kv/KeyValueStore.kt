package dev.kwal.samples.kv

import dev.kwal.Durability
import dev.kwal.WalOptions
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.storage.FileStore
import dev.kwal.storage.WalStore
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
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
 * elsewhere: [compact] writes it to the end of the same log.
 *
 * Always: after a change has returned, the map is what the next [open] will rebuild.
 *
 * Cancellation: a change that has begun goes on to its end, so that its outcome is known.
 *
 * Threads: any. When the log fails, changes throw [dev.kwal.WalFailedException] for ever, and reading goes on with what
 * was durable.
 */
class KeyValueStore private constructor(private val log: SuspendingWal) {
    private class Accepted(val lsn: Long, val change: Change)

    private val values = ConcurrentHashMap<String, String>()

    /** Changes in the log and not yet in the map, in LSN order. Guarded by [order], as is writing to the map. */
    private val queue = ArrayDeque<Accepted>()
    private val order = Mutex()

    operator fun get(key: String): String? = values[key]

    /** A copy of everything. Changes made while it is taken may be in it or not. */
    fun toMap(): Map<String, String> = HashMap(values)

    /** Durable, and to be seen by everybody, on return. */
    suspend fun put(key: String, value: String) = commit(Change.Put(key, value))

    /** Durable, and to be seen by everybody, on return. Does no harm where there is no such key. */
    suspend fun remove(key: String) = commit(Change.Remove(key))

    /**
     * Shortens the log to about the size of the map, and gives the number of segments deleted. Whole segments only: the
     * one being written stays.
     *
     * The whole map is appended again, synced, and only then everything before it dropped. A crash at any point does no
     * harm: copies say what was true already, and what they replace is there until they are durable.
     *
     * Changes wait meanwhile. One between the copies would have a lower LSN than an older value of its key.
     */
    suspend fun compact(): Int = withContext(NonCancellable) {
        order.withLock {
            val last = log.lastLsn
            publish(log.sync(last))
            for ((key, value) in values) log.append(Change.Put(key, value).record(), Durability.BUFFERED)
            log.sync()
            log.checkpoint(last)
        }
    }

    /** Closes the log. Reading goes on, changes get [dev.kwal.WalClosedException]. Idempotent. */
    suspend fun close() = log.close()

    /** What `appendAndSync` does, in two steps: the first under the lock, the second outside. */
    private suspend fun commit(change: Change) {
        val record = change.record()
        withContext(NonCancellable) {
            val lsn = order.withLock {
                log.append(record, Durability.BUFFERED).also { queue.addLast(Accepted(it, change)) }
            }
            val durableLsn = log.sync(lsn)
            order.withLock { publish(durableLsn) }
        }
    }

    private fun publish(durableLsn: Long) {
        while (queue.isNotEmpty() && queue.first().lsn <= durableLsn) apply(queue.removeFirst().change)
    }

    private fun apply(change: Change) {
        when (change) {
            is Change.Put -> values[change.key] = change.value
            is Change.Remove -> values.remove(change.key)
        }
    }

    private suspend fun rebuild() {
        log.replay().collect { apply(Change.of(it)) }
        log.sync()
    }

    companion object {
        /** Opens the store whose log is in a directory, creating it where missing. As [open] of a [WalStore]. */
        suspend fun open(directory: Path, options: WalOptions = WalOptions.DEFAULT): KeyValueStore =
            open(FileStore.of(directory), options)

        /**
         * Opens the log and replays it. Gives up at the first record that it cannot read: half a map is worse than none.
         *
         * @throws dev.kwal.WalCorruptedException if durable data is damaged
         * @throws ForeignRecordException if the log is of somebody else
         * @throws IllegalArgumentException if the medium cannot make anything durable
         */
        suspend fun open(medium: WalStore, options: WalOptions = WalOptions.DEFAULT): KeyValueStore {
            val log = SuspendingWal.open(medium, options)
            try {
                return KeyValueStore(log).also { it.rebuild() }
            } catch (thrown: Throwable) {
                withContext(NonCancellable) { runCatching { log.close() }.onFailure(thrown::addSuppressed) }
                throw thrown
            }
        }
    }
}
