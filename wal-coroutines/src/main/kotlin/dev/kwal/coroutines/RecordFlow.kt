package dev.kwal.coroutines

import dev.kwal.Wal
import dev.kwal.WalCursor
import dev.kwal.WalRecord
import dev.kwal.WalState
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.transform
import kotlinx.coroutines.withTimeoutOrNull
import java.time.Duration
import kotlin.time.Duration.Companion.milliseconds

private const val CHUNK_BYTES = 128 * 1024
private const val CHUNK_RECORDS = 256

/** How late a follower may notice what was not committed through this layer: a sync by a Java thread, or the end. */
private val LOOK_AGAIN = 50.milliseconds

/** Everything a cursor delivers until it says that there is no more. */
internal fun replayFlow(open: () -> WalCursor): Flow<WalRecord> = flow {
    open().use { cursor ->
        do {
            val chunk = cursor.chunk { it.next() }
            emit(chunk)
        } while (chunk.isFull)
    }
}.records()

/** Everything a cursor delivers until the log is closed. Between two looks at the cursor it waits for [durableLsn]. */
internal fun followFlow(wal: Wal, durableLsn: StateFlow<Long>, open: () -> WalCursor): Flow<WalRecord> = flow {
    open().use { cursor ->
        while (true) {
            val seen = durableLsn.value
            val closed = wal.state() == WalState.CLOSED
            val chunk = cursor.chunk { it.next(Duration.ZERO) }
            if (chunk.records.isNotEmpty() || chunk.failure != null) emit(chunk)
            if (chunk.isFull) continue
            if (closed || chunk.failure != null) break
            withTimeoutOrNull(LOOK_AGAIN) { durableLsn.first { it != seen } }
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
private fun Flow<Chunk>.records(): Flow<WalRecord> = buffer(1).flowOn(Dispatchers.IO).transform { chunk ->
    chunk.records.forEach { emit(it) }
    chunk.failure?.let { throw it }
}
