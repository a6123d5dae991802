@file:JvmName("OkioDisk")

package dev.kwal.testkit

import dev.kwal.storage.disk.DiskFile
import okio.FileHandle
import okio.FileMetadata
import okio.FileSystem
import okio.Path
import okio.Path.Companion.toOkioPath
import okio.Sink
import okio.Source
import java.io.FileNotFoundException
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.file.NoSuchFileException
import java.nio.file.Path as NioPath

/**
 * This disk as a file system of okio. It has no symbolic links, and okio no flush of a directory: only [SimulatedDisk.put]
 * and stores on the disk itself make names that surely survive a loss of power.
 */
public fun SimulatedDisk.fileSystem(): FileSystem = OkioFileSystem(seam)

private class OkioFileSystem(private val disk: MachineDisk) : FileSystem() {
    override fun canonicalize(path: Path): Path {
        if (metadataOrNull(path) == null) throw FileNotFoundException("$path")
        return path.onDisk().toOkioPath()
    }

    override fun metadataOrNull(path: Path): FileMetadata? = disk.fileSize(path.onDisk())?.let { size ->
        val isFile = size != MachineDisk.DIRECTORY
        FileMetadata(isRegularFile = isFile, isDirectory = !isFile, size = size.takeIf { isFile })
    }

    override fun list(dir: Path): List<Path> = found { disk.list(dir.onDisk()) }.map { dir / it }.sorted()

    override fun listOrNull(dir: Path): List<Path>? = try {
        list(dir)
    } catch (_: IOException) {
        null
    }

    override fun openReadOnly(file: Path): FileHandle = OkioHandle(found { disk.openForReading(file.onDisk()) }, false)

    override fun openReadWrite(file: Path, mustCreate: Boolean, mustExist: Boolean): FileHandle {
        require(!mustCreate || !mustExist) { "cannot require mustCreate and mustExist at the same time" }
        val exists = disk.fileSize(file.onDisk()) != null
        val open = when {
            mustCreate || (!exists && !mustExist) -> found { disk.create(file.onDisk(), false) }
            else -> found { disk.openForWriting(file.onDisk()) }
        }
        return OkioHandle(open, true)
    }

    override fun source(file: Path): Source = openReadOnly(file).use { it.source() }

    override fun sink(file: Path, mustCreate: Boolean): Sink = openReadWrite(file, mustCreate, false).use {
        it.resize(0)
        it.sink()
    }

    override fun appendingSink(file: Path, mustExist: Boolean): Sink =
        openReadWrite(file, false, mustExist).use { it.appendingSink() }

    override fun createDirectory(dir: Path, mustCreate: Boolean) {
        if (!mustCreate && disk.isDirectory(dir.onDisk())) return
        found { disk.createDirectory(dir.onDisk(), false) }
    }

    override fun atomicMove(source: Path, target: Path): Unit =
        found { disk.replace(source.onDisk(), target.onDisk()) }

    override fun delete(path: Path, mustExist: Boolean) {
        try {
            disk.delete(path.onDisk())
        } catch (e: NoSuchFileException) {
            if (mustExist) throw notFound(e)
        }
    }

    override fun createSymlink(source: Path, target: Path): Unit =
        throw IOException("$source: no symbolic links on a simulated disk")

    override fun toString(): String = "SimulatedDisk"
}

private class OkioHandle(private val file: DiskFile, readWrite: Boolean) : FileHandle(readWrite) {
    override fun protectedRead(fileOffset: Long, array: ByteArray, arrayOffset: Int, byteCount: Int): Int =
        file.read(ByteBuffer.wrap(array, arrayOffset, byteCount), fileOffset)

    override fun protectedWrite(fileOffset: Long, array: ByteArray, arrayOffset: Int, byteCount: Int) =
        file.writeAll(ByteBuffer.wrap(array, arrayOffset, byteCount), fileOffset)

    override fun protectedFlush() = file.sync(true)

    override fun protectedResize(size: Long) {
        val now = file.size()
        if (size < now) file.truncate(size) else file.writeZeros(now, size)
    }

    override fun protectedSize(): Long = file.size()

    override fun protectedClose() = file.close()
}

private fun Path.onDisk(): NioPath = NioPath.of("$this").toAbsolutePath().normalize()

private inline fun <T> found(work: () -> T): T = try {
    work()
} catch (e: NoSuchFileException) {
    throw notFound(e)
}

/** What okio says of a missing file. */
private fun notFound(e: NoSuchFileException): IOException = FileNotFoundException(e.file).apply { initCause(e) }
