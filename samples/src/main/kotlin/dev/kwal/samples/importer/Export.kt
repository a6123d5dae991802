package dev.kwal.samples.importer

import dev.kwal.WalReader
import java.io.IOException
import java.io.OutputStream

/** A record that no import has written: the log belongs to somebody else. */
internal class ForeignRecordException(lsn: Long, what: String) : IOException("record $lsn is not from an import: $what")

/**
 * Replays what was imported, byte for byte. Several imports follow each other as they were made.
 *
 * Threads: one at a time. Keeps one record in memory.
 */
internal class Export(private val log: WalReader, private val progress: Progress) {
    private val piece = ByteArray(PIECE_BYTES)

    /** @throws ForeignRecordException where a record was not imported; what is before it has been written */
    fun run(output: OutputStream) {
        log.replay(0).use { cursor ->
            while (cursor.next()) {
                val record = cursor.view()
                val ending = if (record.hasRemaining()) Ending.of(record.get()) else null
                if (ending == null) throw ForeignRecordException(cursor.lsn(), "unknown first byte")
                if (record.remaining() >
                    PIECE_BYTES
                ) {
                    throw ForeignRecordException(cursor.lsn(), "${cursor.length()} bytes")
                }
                val length = record.remaining()
                record.get(piece, 0, length)
                output.write(piece, 0, length)
                if (ending == Ending.LINE_FEED) output.write(ending.byte.toInt())
                progress.add(if (ending == Ending.LINE_FEED) length + 1 else length)
            }
        }
        output.flush()
    }
}
