package dev.kwal.okio

import dev.kwal.storage.FileSnapshotStore
import dev.kwal.storage.SnapshotStore
import okio.FileSystem
import okio.IOException
import okio.Path
import java.io.InputStream
import java.nio.file.FileAlreadyExistsException
import java.nio.file.FileSystemException
import java.nio.file.NoSuchFileException

/**
 * Keeps snapshots as files in a directory of an okio file system, under the names that [FileSnapshotStore] gives them.
 *
 * On [FileSystem.SYSTEM] it is a [FileSnapshotStore], and survives a loss of power. Every other file system, a decorated one
 * included, is asked to flush a file before it gets the name of a snapshot; names are as durable as that file system makes
 * them, and interrupts do there what they do to it. Links, directories and the like in the place of a snapshot are refused.
 *
 * Content that is written or read by okio needs no store of this kind: `target.sink().buffer().use { … }` writes, and
 * `content.source().buffer()` reads.
 *
 * Threads: as [SnapshotStore] says.
 */
public class OkioSnapshotStore(private val fileSystem: FileSystem, private val directory: Path) :
    SnapshotStore by storeOn(fileSystem, directory) {

    /** The file system and the directory. */
    override fun toString(): String = "OkioSnapshotStore($fileSystem, $directory)"
}

private fun storeOn(fileSystem: FileSystem, directory: Path): SnapshotStore = if (fileSystem === FileSystem.SYSTEM) {
    FileSnapshotStore.of(directory.toNioPath())
} else {
    PlainSnapshotStore(SerialFileSystem(fileSystem), directory)
}

/** Snapshots on any other file system: what it says is all there is. */
private class PlainSnapshotStore(private val fileSystem: FileSystem, private val directory: Path) : SnapshotStore {
    override fun snapshots(): LongArray = fileSystem.listOrNull(directory).orEmpty()
        .mapNotNull { FileNames.SNAPSHOT.sequenceOf(it.name) }
        .sorted()
        .toLongArray()

    override fun create(sequence: Long, content: SnapshotStore.Content) {
        val snapshot = path(sequence)
        fileSystem.createDirectories(directory)
        fileSystem.list(directory)
            .filter { FileNames.SNAPSHOT.isTemporary(it.name) && isFile(it) }
            .forEach { fileSystem.delete(it) }
        if (fileSystem.exists(snapshot)) throw FileAlreadyExistsException(snapshot.toString())
        val unfinished = directory / FileNames.SNAPSHOT.temporary(sequence)
        try {
            fileSystem.openReadWrite(unfinished, mustCreate = true).use { file ->
                val output = OkioOutput(file)
                content.writeTo(output)
                output.end()
                file.flush()
            }
            fileSystem.atomicMove(unfinished, snapshot)
        } catch (thrown: Throwable) {
            deleteAfter(thrown, unfinished)
            throw thrown
        }
    }

    override fun open(sequence: Long): InputStream = OkioInput(fileSystem.openReadOnly(existing(sequence)))

    override fun delete(sequence: Long) = fileSystem.delete(existing(sequence))

    private fun path(sequence: Long): Path {
        require(sequence > 0) { "sequence is not positive: $sequence" }
        return directory / FileNames.SNAPSHOT.of(sequence)
    }

    private fun existing(sequence: Long): Path {
        val snapshot = path(sequence)
        val metadata = fileSystem.metadataOrNull(snapshot) ?: throw NoSuchFileException(snapshot.toString())
        if (metadata.isRegularFile) return snapshot
        throw FileSystemException(snapshot.toString(), null, "a snapshot has to be a regular file")
    }

    /** Links, directories and the like were not made here, whatever their name. */
    private fun isFile(path: Path): Boolean = fileSystem.metadataOrNull(path)?.isRegularFile == true

    private fun deleteAfter(thrown: Throwable, file: Path) {
        try {
            if (isFile(file)) fileSystem.delete(file)
        } catch (e: IOException) {
            thrown.addSuppressed(e)
        }
    }
}
