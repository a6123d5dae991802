package dev.kwal

import dev.kwal.storage.SegmentReader
import dev.kwal.storage.WalStore
import java.util.concurrent.ScheduledExecutorService

/** Opens a log whose background work is done by the given executor. */
internal fun openWithBackground(store: WalStore, options: WalOptions, background: ScheduledExecutorService): Wal =
    LocalWal.open(store, options, background)

/** The frames of all segments, a line for each, for the message of a failure. */
internal fun framesIn(store: WalStore): List<String> = store.segments().flatMap { sequence ->
    store.open(sequence).use { listOf("segment $sequence, ${it.size()} bytes") + framesIn(it) }
}

private fun framesIn(reader: SegmentReader): List<String> {
    val bytes = Format.buffer(Format.HEADER_BYTES)
    val decoded = Format.decodeHeader(bytes, reader.read(0, bytes))
    val header = decoded.header() ?: return listOf("  ${decoded.what()}")
    val lines = arrayListOf("  made as segment ${header.sequence()}")
    val scanner = FrameScanner(reader, header, Int.MAX_VALUE / 2, FrameScanner.BLOCK_BYTES)
    var position = Format.HEADER_BYTES.toLong()
    while (position < reader.size()) {
        scanner.seek(position)
        if (scanner.next() == FrameScanner.Step.FRAME) {
            lines.add("  $position ${describe(scanner)}")
            position = scanner.position()
        } else {
            position += Format.ALIGNMENT
        }
    }
    return lines
}

private fun describe(frame: FrameScanner): String {
    val facts = "LSN ${frame.lsn()}, durable ${frame.durableLsn()}"
    return when (frame.kind()) {
        Format.RECORD -> "record $facts, ${frame.payloadBytes()} bytes, flags ${frame.flags()}"
        Format.OPEN -> "OPEN $facts, ${OpenFrame.get(frame.payload())}"
        Format.SEAL -> "SEAL $facts"
        else -> "${listOf("", "", "HEAD", "MARK", "", "CLOSE")[frame.kind().toInt()]} $facts, ${frame.number()}"
    }
}
