package dev.kwal.okio

import dev.kwal.storage.SegmentReader
import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.SnapshotStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import okio.FileSystem
import okio.IOException
import okio.Path
import java.io.Closeable
import java.nio.ByteBuffer
import java.nio.file.FileAlreadyExistsException
import java.nio.file.FileSystemException
import java.nio.file.NoSuchFileException

/** Space for the frames that end a segment, where nothing is said of its length. */
private const val SLACK_BYTES = 64L * 1024

/**
 * Keeps the segments as files in a directory of an okio file system, under the names that
 * [dev.kwal.storage.FileStore] gives them.
 *
 * What it can promise depends on the file system:
 * - [FileSystem.SYSTEM] survives power loss, because files and directories are flushed past okio, which cannot flush a
 *   directory, and space is written ahead, so that no flush has to change the size of a file. The lock is the operating
 *   system's. Prefer [dev.kwal.storage.FileStore] all the same: it keeps a reserve for a full disk, and okio takes two
 *   calls of the system for a write.
 * - Every other one, a decorated system file system included, is taken to survive the process and no more, so a log on
 *   it refuses the level *synced*. Its lock keeps out other stores on the same [FileSystem] object in this process; keep
 *   out other processes yourself. Interrupts do there what they do to that file system.
 *
 * New files and directories on [FileSystem.SYSTEM] are for their owner alone, where there are such modes; other file systems
 * know none. Links, directories and the like in the place of a segment are refused.
 *
 * Always: a file gets the name of a segment only when its header is complete. Writers and readers have handles of their
 * own, as a handle of okio does one thing at a time.
 *
 * Threads: any.
 */
public class OkioStore internal constructor(private val ground: Ground, private val directory: Path) : WalStore {
    private val fileSystem = ground.fileSystem

    public constructor(fileSystem: FileSystem, directory: Path) : this(Ground.of(fileSystem, directory), directory)

    /** [StoreCapabilities.DURABLE] on [FileSystem.SYSTEM], else [StoreCapabilities.PROCESS_CRASH_ONLY]. */
    override fun capabilities(): StoreCapabilities = ground.capabilities

    /**
     * Takes the directory, creating it where missing, and clears away segments that were left half made.
     *
     * @throws dev.kwal.storage.StoreLockedException if somebody else has it, as far as the file system lets that be known
     * @throws IOException if the directory cannot be created or locked
     */
    override fun lock(): Closeable {
        val lock = ground.lock()
        try {
            fileSystem.list(directory)
                .filter { FileNames.SEGMENT.isTemporary(it.name) && isFile(it) }
                .forEach { ground.delete(it) }
        } catch (thrown: Throwable) {
            lock.closeAfter(thrown)
            throw thrown
        }
        return lock
    }

    /** Names of other shapes are ignored. */
    override fun segments(): LongArray {
        if (!fileSystem.exists(directory)) throw NoSuchFileException(directory.toString())
        val sequences = fileSystem.list(directory).mapNotNull { FileNames.SEGMENT.sequenceOf(it.name) }
        return sequences.onEach { existing(it) }.sorted().toLongArray()
    }

    /**
     * Makes the file of a segment under a temporary name, prepares its space on [FileSystem.SYSTEM], flushes it, and gives
     * it its name.
     *
     * @throws FileAlreadyExistsException if the segment exists
     * @throws IOException if it cannot be created; nothing is left behind
     */
    override fun create(sequence: Long, header: ByteBuffer, expectedBytes: Long): SegmentWriter {
        require(expectedBytes >= 0) { "expectedBytes is negative: $expectedBytes" }
        val segment = path(sequence)
        if (fileSystem.exists(segment)) throw FileAlreadyExistsException(segment.toString())
        val unfinished = directory / FileNames.SEGMENT.temporary(sequence)
        try {
            if (isFile(unfinished)) ground.delete(unfinished)
            val position = header.remaining().toLong()
            val end = if (expectedBytes > 0) maxOf(position, expectedBytes) else position + SLACK_BYTES
            ground.create(unfinished).use {
                it.writeAll(0, header.duplicate())
                if (ground.preparesSpace) it.writeZeros(position, end)
                it.flush()
            }
            fileSystem.atomicMove(unfinished, segment)
            ground.syncDirectory()
            return writer(segment, position, end, isResumed = false)
        } catch (thrown: Throwable) {
            deleteAfter(thrown, unfinished)
            deleteAfter(thrown, segment)
            throw thrown
        }
    }

    /**
     * Opens the file of a segment for writing on from [position], and prepares space on [FileSystem.SYSTEM].
     *
     * @throws NoSuchFileException if there is no such segment
     * @throws IllegalArgumentException if [position] is behind its end
     * @throws IOException if it cannot be opened, or space cannot be prepared
     */
    override fun resume(sequence: Long, position: Long, expectedBytes: Long): SegmentWriter {
        require(expectedBytes >= 0) { "expectedBytes is negative: $expectedBytes" }
        val segment = existing(sequence)
        val bytes = fileSystem.metadata(segment).size ?: 0
        require(position in 0..bytes) { "segment $sequence has $bytes bytes, cannot go on at $position" }
        val end = maxOf(position + SLACK_BYTES, expectedBytes)
        if (ground.preparesSpace) prepare(segment, position, end, bytes)
        return writer(segment, position, end, isResumed = true)
    }

    /** Zeros are written over what is behind the position, too: its blocks may exist by name only. */
    private fun prepare(segment: Path, position: Long, end: Long, bytes: Long) {
        fileSystem.openReadWrite(segment, mustExist = true).use { file ->
            try {
                file.writeZeros(position, end)
                file.flush()
            } catch (thrown: Throwable) {
                runCatching { file.resize(bytes) }.onFailure(thrown::addSuppressed)
                throw thrown
            }
        }
    }

    /** An [OkioSnapshotStore] in the directory `pins` below. */
    override fun pins(): SnapshotStore = OkioSnapshotStore(fileSystem, directory / "pins")

    /**
     * Opens the file of a segment for reading.
     *
     * @throws NoSuchFileException if there is no such segment
     * @throws IOException if it cannot be opened
     */
    override fun open(sequence: Long): SegmentReader = OkioSegmentReader(fileSystem.openReadOnly(existing(sequence)))

    /**
     * Deletes the file of a segment.
     *
     * @throws NoSuchFileException if there is no such segment
     * @throws IOException if it cannot be deleted; Windows, for one, deletes no open file
     */
    override fun delete(sequence: Long) {
        ground.delete(existing(sequence))
    }

    /** The file system and the directory, and what it takes to survive a loss of power where this store does not. */
    override fun toString(): String {
        val store = "OkioStore($fileSystem, $directory)"
        return if (capabilities().survivesPowerLoss()) store else "$store, which is not on FileSystem.SYSTEM itself"
    }

    private fun writer(segment: Path, position: Long, end: Long, isResumed: Boolean): SegmentWriter {
        val handle = fileSystem.openReadWrite(segment, mustExist = true)
        val prepared = if (ground.preparesSpace) end else Long.MAX_VALUE
        try {
            return OkioSegmentWriter(handle, ground.flush(segment, handle), position, prepared, trims = isResumed)
        } catch (thrown: Throwable) {
            handle.closeAfter(thrown)
            throw thrown
        }
    }

    private fun path(sequence: Long): Path {
        require(sequence > 0) { "sequence is not positive: $sequence" }
        return directory / FileNames.SEGMENT.of(sequence)
    }

    private fun existing(sequence: Long): Path {
        val segment = path(sequence)
        val metadata = fileSystem.metadataOrNull(segment) ?: throw NoSuchFileException(segment.toString())
        if (metadata.isRegularFile) return segment
        throw FileSystemException(segment.toString(), null, "a segment has to be a regular file")
    }

    /** Links, directories and the like were not made here, whatever their name. */
    private fun isFile(path: Path): Boolean = fileSystem.metadataOrNull(path)?.isRegularFile == true

    private fun deleteAfter(thrown: Throwable, file: Path) {
        try {
            if (isFile(file)) ground.delete(file)
        } catch (e: IOException) {
            thrown.addSuppressed(e)
        }
    }
}

internal fun Closeable.closeAfter(thrown: Throwable) {
    try {
        close()
    } catch (e: IOException) {
        thrown.addSuppressed(e)
    }
}
