package dev.kwal.testkit

import dev.kwal.storage.StoreLockedException
import dev.kwal.storage.disk.Disk
import dev.kwal.storage.disk.DiskFile
import java.io.Closeable
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.ClosedChannelException
import java.nio.file.DirectoryNotEmptyException
import java.nio.file.FileAlreadyExistsException
import java.nio.file.NoSuchFileException
import java.nio.file.Path

/** The calls of a [Machine]: what a store is built on. */
internal class MachineDisk(private val machine: Machine) : Disk {
    override fun create(file: Path, ownerOnly: Boolean): DiskFile = synchronized(machine) {
        machine.enter(DiskCall.CREATE, file)
        val node = SimulatedFile()
        machine.freeName(file).link("${file.fileName}", node, machine.nextTime())
        OpenFile(machine, file, node, true)
    }

    override fun openForWriting(file: Path): DiskFile = open(file, true)

    override fun openForReading(file: Path): DiskFile = open(file, false)

    private fun open(path: Path, writable: Boolean): DiskFile = synchronized(machine) {
        machine.enter(DiskCall.OPEN, path)
        OpenFile(machine, path, machine.file(path), writable)
    }

    override fun rename(from: Path, to: Path): Unit = synchronized(machine) {
        machine.enter(DiskCall.RENAME, from)
        if (machine.find(from) == null) throw NoSuchFileException("$from")
        machine.requireClosed(from)
        machine.freeName(to).rename("${from.fileName}", "${to.fileName}", machine.nextTime())
    }

    /** A system that keeps open files has no such links. */
    override fun link(file: Path, name: Path): Boolean = synchronized(machine) {
        machine.enter(DiskCall.LINK, file)
        val node = machine.file(file)
        val directory = machine.freeName(name)
        check(directory !== machine.parentOf(file)) { "$name is in the directory of $file" }
        if (!machine.keepsOpenFiles) directory.link("${name.fileName}", node, machine.nextTime())
        !machine.keepsOpenFiles
    }

    override fun linkCount(file: Path): Int = synchronized(machine) {
        machine.enter(DiskCall.KIND, file)
        machine.linkCount(machine.file(file))
    }

    /** Deletes a file or an empty directory. */
    override fun delete(file: Path): Unit = synchronized(machine) {
        machine.enter(DiskCall.DELETE, file)
        machine.requireClosed(file)
        val node = machine.find(file) ?: throw NoSuchFileException("$file")
        if (node is SimulatedDirectory && node.names().isNotEmpty()) throw DirectoryNotEmptyException("$file")
        machine.parentOf(file).unlink("${file.fileName}", machine.nextTime())
    }

    override fun kind(file: Path): Disk.Kind = synchronized(machine) {
        machine.enter(DiskCall.KIND, file)
        when (machine.find(file)) {
            null -> Disk.Kind.ABSENT
            is SimulatedFile -> Disk.Kind.FILE
            is SimulatedDirectory -> Disk.Kind.OTHER
        }
    }

    override fun list(directory: Path): List<String> = synchronized(machine) {
        machine.enter(DiskCall.LIST, directory)
        machine.directory(directory).names()
    }

    override fun isDirectory(path: Path): Boolean = synchronized(machine) { machine.find(path) is SimulatedDirectory }

    override fun createDirectory(directory: Path, ownerOnly: Boolean): Unit = synchronized(machine) {
        machine.enter(DiskCall.CREATE_DIRECTORY, directory)
        machine.freeName(directory).link("${directory.fileName}", SimulatedDirectory(), machine.nextTime())
    }

    override fun syncDirectory(directory: Path): Unit = synchronized(machine) {
        val node = machine.directory(directory)
        try {
            machine.enter(DiskCall.SYNC_DIRECTORY, directory)
        } catch (e: SimulatedCrash) {
            throw e
        } catch (e: IOException) {
            node.failToFlush(machine.random)
            throw e
        }
        machine.flush(node)
    }

    override fun lock(directory: Path, ownerOnly: Boolean): Closeable = synchronized(machine) {
        machine.enter(DiskCall.LOCK, directory)
        val node = machine.directory(directory)
        if (!machine.locked.add(directory)) throw StoreLockedException("$directory: locked by this process")
        if (node[LOCK] == null) node.link(LOCK, SimulatedFile(), machine.nextTime())
        Closeable { synchronized(machine) { machine.locked.remove(directory) } }
    }

    /** The size of a file, [DIRECTORY] for a directory, null for a free name. */
    fun fileSize(path: Path): Long? = synchronized(machine) {
        machine.enter(DiskCall.KIND, path)
        when (val node = machine.find(path)) {
            null -> null
            is SimulatedFile -> node.size.toLong()
            is SimulatedDirectory -> DIRECTORY
        }
    }

    /** Renames a file, in place of what has the new name. Across directories it is two changes. */
    fun replace(from: Path, to: Path): Unit = synchronized(machine) {
        machine.enter(DiskCall.RENAME, from)
        val node = machine.find(from) ?: throw NoSuchFileException("$from")
        machine.requireClosed(from)
        machine.requireClosed(to)
        val target = machine.parentOf(to)
        if (target["${to.fileName}"] is SimulatedDirectory) throw FileAlreadyExistsException("$to")
        if (machine.parentOf(from) === target) {
            target.rename("${from.fileName}", "${to.fileName}", machine.nextTime())
        } else {
            target.link("${to.fileName}", node, machine.nextTime())
            machine.parentOf(from).unlink("${from.fileName}", machine.nextTime())
        }
    }

    companion object {
        const val DIRECTORY = -1L
        private const val LOCK = "LOCK"
    }
}

/** A file of a [Machine] that somebody has open. */
internal class OpenFile(
    private val machine: Machine,
    private val path: Path,
    private val node: SimulatedFile,
    private val writable: Boolean,
) : DiskFile {
    private var open = machine.openNodes.add(node)

    override fun read(target: ByteBuffer, position: Long): Int = synchronized(machine) {
        node.read(position, target, transferred(target.remaining(), require(open, DiskCall.READ)))
    }

    override fun write(source: ByteBuffer, position: Long): Int = synchronized(machine) {
        val wanted = transferred(source.remaining(), require(writable, DiskCall.WRITE))
        val length = machine.writableBytes(node, position, wanted)
        if (length == 0 && wanted > 0) throw IOException("No space left on device")
        val bytes = ByteArray(length)
        source.get(bytes)
        node.write(position.toInt(), bytes, machine.nextTime())
        length
    }

    override fun size(): Long = synchronized(machine) {
        require(open, DiskCall.SIZE)
        node.size.toLong()
    }

    override fun truncate(size: Long): Unit = synchronized(machine) {
        require(writable, DiskCall.TRUNCATE)
        node.truncate(size.toInt(), machine.nextTime())
    }

    override fun sync(attributes: Boolean): Unit = synchronized(machine) {
        try {
            require(writable, DiskCall.SYNC)
        } catch (e: SimulatedCrash) {
            throw e
        } catch (e: IOException) {
            node.failToFlush(machine.random)
            throw e
        }
        machine.flush(node)
    }

    override fun close(): Unit = synchronized(machine) {
        if (open) {
            open = false
            machine.openNodes.remove(node)
            machine.enter(DiskCall.CLOSE, path)
        }
    }

    /** True if the call is to be short. */
    private fun require(allowed: Boolean, call: DiskCall): Boolean {
        if (!open) throw ClosedChannelException()
        check(allowed) { "$path is open for reading alone" }
        return machine.enter(call, path)
    }

    private fun transferred(length: Int, isShort: Boolean): Int = when {
        length <= 1 -> length
        isShort -> 1 + machine.random.nextInt(length - 1)
        machine.shortTransfers -> 1 + machine.random.nextInt(length)
        else -> length
    }
}
