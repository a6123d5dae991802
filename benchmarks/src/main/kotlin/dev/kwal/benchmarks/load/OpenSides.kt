package dev.kwal.benchmarks.load

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.StandardOpenOption

/** Opens a log that was closed: milliseconds. The size counts the bytes of all segments. */
internal class CleanOpens(private val bytes: Long, segmentBytes: Long) : Side {
    private val directory = Scratch.make("open")
    private val options = WalOptions.DEFAULT.withSegmentBytes(segmentBytes)

    init {
        Wal.open(directory, options).use { it.fill(bytes) }
    }

    override fun round(seconds: Double): Score {
        val start = System.nanoTime()
        val log = Wal.open(directory, options)
        val took = (System.nanoTime() - start) / 1e6
        log.close()
        return Score(took)
    }

    override fun close() = Scratch.delete(directory)
}

/**
 * Opens what a killed process left, with a last segment that is nearly full: milliseconds. The image is a copy of the
 * files of a log in use; each round opens a copy of it, which is flushed before.
 *
 * @param unprovenBytes how much was appended since the last sync: as much as has to be copied
 */
internal class CrashOpens(segmentBytes: Long, unprovenBytes: Long) : Side {
    private val directory = Scratch.make("crash")
    private val image = directory.resolve("image")
    private val options = WalOptions.DEFAULT.withSegmentBytes(segmentBytes)

    init {
        val used = directory.resolve("used")
        Wal.open(used, options).use { log ->
            val end = segmentBytes - segmentBytes / 16
            log.fill(end - unprovenBytes)
            log.sync()
            log.fill(end)
            log.commit(log.lastLsn(), Durability.WRITTEN)
            copy(used, image)
        }
        Scratch.delete(used)
    }

    override fun round(seconds: Double): Score {
        val copy = directory.resolve("copy")
        copy(image, copy)
        val start = System.nanoTime()
        val log = Wal.open(copy, options)
        val took = (System.nanoTime() - start) / 1e6
        log.close()
        Scratch.delete(copy)
        return Score(took)
    }

    override fun close() = Scratch.delete(directory)

    private fun copy(from: Path, to: Path) {
        Files.createDirectory(to)
        Files.list(from).use { files -> files.forEach { copyFile(it, to.resolve(it.fileName)) } }
    }

    private fun copyFile(from: Path, to: Path) {
        try {
            Files.copy(from, to)
        } catch (_: NoSuchFileException) {
            // The next segment is prepared meanwhile under another name, which a killed process may leave or not.
            return
        }
        FileChannel.open(to, StandardOpenOption.WRITE).use { it.force(true) }
    }
}

private fun Wal.fill(bytes: Long) {
    val record = ByteBuffer.wrap(recordOf(FILL_RECORD_BYTES))
    while (sizeBytes() < bytes) {
        repeat(FILL_STEP) { append(record.clear(), Durability.BUFFERED) }
    }
}

private const val FILL_RECORD_BYTES = 4096
private const val FILL_STEP = 16
