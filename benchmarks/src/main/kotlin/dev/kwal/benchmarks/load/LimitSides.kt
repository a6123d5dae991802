package dev.kwal.benchmarks.load

import dev.kwal.benchmarks.limits.BatchWriter
import dev.kwal.benchmarks.limits.CheckedFile
import dev.kwal.benchmarks.limits.RawFile
import dev.kwal.benchmarks.limits.TouchedMemory
import java.nio.ByteBuffer

/** One thread that writes records to a raw file, and flushes each if asked. */
internal fun rawWrites(recordBytes: Int, preallocated: Boolean, forced: Boolean): Side = side { seconds ->
    inRawFile(preallocated) { file ->
        val record = ByteBuffer.allocateDirect(recordBytes).put(recordOf(recordBytes))
        Callers(1).work(seconds) {
            Operation {
                file.write(record.clear())
                if (forced) file.force()
            }
        }.score()
    }
}

/** Threads that share the flushes of an idealised batch writer. */
internal fun batchWrites(callers: Int, kind: ThreadKind, recordBytes: Int = 256): Side = side { seconds ->
    inRawFile(preallocated = true) { file ->
        val writer = BatchWriter(file, callers * recordBytes)
        val record = recordOf(recordBytes)
        Callers(callers, kind).work(seconds) { Operation { writer.append(record) } }.score()
    }
}

/** Threads that copy and checksum records in touched memory, so many bytes of them. */
internal fun memoryCopies(callers: Int, bytes: Long, recordBytes: Int = 256): Side = object : Side {
    private val memory = TouchedMemory()

    override fun round(seconds: Double): Score =
        Callers(callers).work(HOUR, bytes / recordBytes / callers) {
            Operation(memory.Appender(recordOf(recordBytes))::append)
        }.score()
}

/** Passes over a warm file that check one CRC32C for each record, on one core. */
internal class CheckedPasses(recordBytes: Int, private val records: Long) : Side {
    private val directory = Scratch.make("checked")
    private val file = CheckedFile(directory.resolve("file"), recordBytes, records)

    override fun round(seconds: Double): Score = Callers(1).work(seconds) { Operation { file.pass() } }.each(records)

    /** The time of one pass, in milliseconds. */
    fun milliseconds(): Double {
        val start = System.nanoTime()
        file.pass()
        return (System.nanoTime() - start) / 1e6
    }

    override fun close() {
        file.close()
        Scratch.delete(directory)
    }
}

private inline fun <T> inRawFile(preallocated: Boolean, block: (RawFile) -> T): T = Scratch.use("raw") { directory ->
    RawFile(directory.resolve("file"), if (preallocated) RawFile.PREALLOCATED_BYTES else 0).use(block)
}
