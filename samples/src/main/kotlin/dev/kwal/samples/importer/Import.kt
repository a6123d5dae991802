package dev.kwal.samples.importer

import dev.kwal.Durability
import dev.kwal.Wal
import java.io.InputStream
import java.nio.ByteBuffer

/**
 * Appends an input to a log, line by line.
 *
 * It is fast because nothing waits for a single record: each goes to the log's buffer, and one sync now and then makes
 * all of them durable. So no more than [SYNC_BYTES] are ever in doubt, and when [run] returns, nothing is.
 *
 * An import that is interrupted, however rudely, leaves a prefix of its input: whole records, in order, without a gap,
 * and at least everything up to its last sync. It is not taken back.
 *
 * Threads: one at a time.
 */
internal class Import(private val log: Wal, private val progress: Progress) {
    private var unsyncedBytes = 0

    fun run(input: InputStream) {
        val pieces = PieceReader(input)
        while (true) append(pieces.next() ?: break)
        log.sync()
    }

    private fun append(record: ByteBuffer) {
        log.append(record, Durability.BUFFERED)
        progress.add(record.remaining() - if (record.get(0) == Ending.LINE_FEED.byte) 0 else 1)
        unsyncedBytes += record.remaining()
        if (unsyncedBytes < SYNC_BYTES) return
        log.sync()
        unsyncedBytes = 0
    }

    private companion object {
        const val SYNC_BYTES = 8 shl 20
    }
}
