package dev.kwal.coroutines

import dev.kwal.WalCursor
import dev.kwal.WalRecord
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.transform
import java.time.Duration

private const val CHUNK_BYTES = 128 * 1024
private const val CHUNK_RECORDS = 256

/** Everything a cursor delivers until it says that there is no more. */
internal fun replayFlow(open: () -> WalCursor): Flow<WalRecord> = flow {
    open().use { cursor ->
        do {
            val chunk = cursor.chunk { it.next() }
            emit(chunk)
        } while (chunk.isFull)
    }
}.records()

/** How a follower learns that there may be more, without holding a thread. */
internal interface Changes {
    /** Where the log stands. Taken before a look at the cursor, so that nothing comes between. */
    fun mark(): Long

    /** Whether no more records will come. */
    fun isEnd(): Boolean

    /** Suspends until something has changed since the [mark]. */
    suspend fun awaitSince(mark: Long)
}

/** Everything a cursor delivers until the log is closed. Between two looks at the cursor it waits for [changes]. */
internal fun followFlow(changes: Changes, open: () -> WalCursor): Flow<WalRecord> = flow {
    open().use { cursor ->
        while (true) {
            val mark = changes.mark()
            val isEnd = changes.isEnd()
            val chunk = cursor.chunk { it.next(Duration.ZERO) }
            if (chunk.records.isNotEmpty() || chunk.failure != null) emit(chunk)
            if (chunk.isFull) continue
            if (isEnd || chunk.failure != null) break
            changes.awaitSince(mark)
        }
    }
}.records()

/**
 * Some records in a row, and why there are no more of them. The failure travels with the records, because one thrown by
 * the reading side would cancel the collector before it has seen them.
 */
private class Chunk(val records: List<WalRecord>, val isFull: Boolean, val failure: Throwable?)

private inline fun WalCursor.chunk(advance: (WalCursor) -> Boolean): Chunk {
    val records = ArrayList<WalRecord>()
    var bytes = 0L
    try {
        while (records.size < CHUNK_RECORDS && bytes < CHUNK_BYTES) {
            if (!advance(this)) return Chunk(records, false, null)
            records.add(record())
            bytes += length()
        }
    } catch (failure: Throwable) {
        return Chunk(records, false, failure)
    }
    return Chunk(records, true, null)
}

/** Reads on an I/O dispatcher, one chunk ahead of the collector. */
private fun Flow<Chunk>.records(): Flow<WalRecord> = buffer(1).flowOn(LogIo).transform { chunk ->
    chunk.records.forEach { emit(it) }
    chunk.failure?.let { throw it }
}
