package dev.kwal.okio

import okio.FileHandle
import okio.FileMetadata
import okio.FileSystem
import okio.ForwardingFileSystem
import okio.Path

/**
 * Another file system, whose files are opened, closed, moved, deleted and listed by one thread at a time. A log has several
 * threads, and the fake file system of okio keeps its books without a lock.
 *
 * Always: all objects over the same file system share its monitor.
 */
internal class SerialFileSystem(delegate: FileSystem) : ForwardingFileSystem(delegate) {

    override fun canonicalize(path: Path): Path = serially { super.canonicalize(path) }

    override fun metadataOrNull(path: Path): FileMetadata? = serially { super.metadataOrNull(path) }

    override fun list(dir: Path): List<Path> = serially { super.list(dir) }

    override fun listOrNull(dir: Path): List<Path>? = serially { super.listOrNull(dir) }

    override fun createDirectory(dir: Path, mustCreate: Boolean) = serially { super.createDirectory(dir, mustCreate) }

    override fun atomicMove(source: Path, target: Path) = serially { super.atomicMove(source, target) }

    override fun delete(path: Path, mustExist: Boolean) = serially { super.delete(path, mustExist) }

    override fun openReadOnly(file: Path): FileHandle = serially { Handle(super.openReadOnly(file)) }

    override fun openReadWrite(file: Path, mustCreate: Boolean, mustExist: Boolean): FileHandle =
        serially { Handle(super.openReadWrite(file, mustCreate, mustExist)) }

    private inline fun <T> serially(step: () -> T): T = synchronized(delegate) { step() }

    private inner class Handle(private val handle: FileHandle) : FileHandle(handle.readWrite) {
        override fun protectedRead(fileOffset: Long, array: ByteArray, arrayOffset: Int, byteCount: Int): Int =
            handle.read(fileOffset, array, arrayOffset, byteCount)

        override fun protectedWrite(fileOffset: Long, array: ByteArray, arrayOffset: Int, byteCount: Int) =
            handle.write(fileOffset, array, arrayOffset, byteCount)

        override fun protectedFlush() = handle.flush()

        override fun protectedResize(size: Long) = handle.resize(size)

        override fun protectedSize(): Long = handle.size()

        override fun protectedClose() = serially { handle.close() }
    }
}
