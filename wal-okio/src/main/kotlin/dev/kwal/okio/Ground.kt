package dev.kwal.okio

import dev.kwal.storage.FileStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.StoreLockedException
import okio.FileHandle
import okio.FileSystem
import okio.Path
import java.io.Closeable
import java.io.File
import java.nio.channels.AsynchronousFileChannel
import java.nio.file.Files
import java.nio.file.StandardOpenOption
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicBoolean

/** What a store needs and okio does not offer. */
internal interface Ground {
    val fileSystem: FileSystem

    val capabilities: StoreCapabilities

    /** Whether zeros are written ahead, so that a flush has nothing to do but the bytes. */
    val preparesSpace: Boolean

    /** Makes the directory and takes it. */
    fun lock(): Closeable

    /** Creates a file that does not exist. */
    fun create(file: Path): FileHandle

    /** Deletes a file that exists. */
    fun delete(file: Path)

    /** Makes the names in the directory durable, as far as [capabilities] promise it. */
    fun syncDirectory()

    /** A way to flush what is written through [handle]. */
    fun flush(file: Path, handle: FileHandle): Flush

    companion object {
        fun of(fileSystem: FileSystem, directory: Path): Ground =
            if (fileSystem === FileSystem.SYSTEM) SystemGround(directory) else PlainGround(fileSystem, directory)
    }
}

/** Flushes one open file. */
internal interface Flush : Closeable {
    fun run()
}

/**
 * The disk of this machine.
 *
 * Flushes go through a channel of their own, so that no write waits for them; one that an interrupt cannot close. On
 * macOS it asks the disk to empty its cache, which a flush by okio does not.
 */
private class SystemGround(directory: Path) : Ground {
    private val directory = directory.toNioPath().toAbsolutePath()
    private val locks = FileStore.of(this.directory)

    override val fileSystem: FileSystem get() = FileSystem.SYSTEM

    override val capabilities: StoreCapabilities get() = StoreCapabilities.DURABLE

    override val preparesSpace: Boolean get() = true

    override fun lock(): Closeable = locks.lock()

    /** For its owner alone, where there are such modes. */
    override fun create(file: Path): FileHandle {
        val nioFile = file.toNioPath()
        if ("posix" in nioFile.fileSystem.supportedFileAttributeViews()) {
            Files.createFile(nioFile, PosixFilePermissions.asFileAttribute(OWNER_ONLY))
        } else {
            Files.createFile(nioFile)
        }
        return fileSystem.openReadWrite(file, mustExist = true)
    }

    /** Past okio, which refuses to delete on a thread that was interrupted. */
    override fun delete(file: Path) = Files.delete(file.toNioPath())

    /** Windows opens no directory for flushing; its file systems keep names in a journal of their own. */
    override fun syncDirectory() {
        if (!WINDOWS) AsynchronousFileChannel.open(directory, StandardOpenOption.READ).use { it.force(true) }
    }

    override fun flush(file: Path, handle: FileHandle): Flush {
        val channel = AsynchronousFileChannel.open(file.toNioPath(), StandardOpenOption.WRITE)
        return object : Flush {
            override fun run() = channel.force(false)

            override fun close() = channel.close()
        }
    }

    private companion object {
        val OWNER_ONLY = PosixFilePermissions.fromString("rw-------")
        val WINDOWS = File.separatorChar == '\\'
    }
}

/** Any other file system: what it says is all there is. */
private class PlainGround(private val given: FileSystem, private val directory: Path) : Ground {
    override val fileSystem: FileSystem = SerialFileSystem(given)

    override val capabilities: StoreCapabilities get() = StoreCapabilities.PROCESS_CRASH_ONLY

    override val preparesSpace: Boolean get() = false

    override fun lock(): Closeable {
        fileSystem.createDirectories(directory)
        val place = Pair(given, fileSystem.canonicalize(directory))
        if (!HELD.add(place)) throw StoreLockedException("$directory: locked by this process")
        val held = AtomicBoolean(true)
        return Closeable { if (held.compareAndSet(true, false)) HELD.remove(place) }
    }

    override fun create(file: Path): FileHandle = fileSystem.openReadWrite(file, mustCreate = true)

    override fun delete(file: Path) = fileSystem.delete(file)

    override fun syncDirectory() = Unit

    override fun flush(file: Path, handle: FileHandle): Flush = object : Flush {
        override fun run() = handle.flush()

        override fun close() = Unit
    }

    private companion object {
        val HELD: MutableSet<Pair<FileSystem, Path>> = ConcurrentHashMap.newKeySet()
    }
}
