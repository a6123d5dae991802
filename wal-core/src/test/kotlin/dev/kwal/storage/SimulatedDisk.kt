package dev.kwal.storage

import java.io.Closeable
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.ClosedChannelException
import java.nio.file.AccessDeniedException
import java.nio.file.FileAlreadyExistsException
import java.nio.file.FileSystemException
import java.nio.file.NoSuchFileException
import java.nio.file.NotDirectoryException
import java.nio.file.Path
import java.util.Random

/**
 * A disk in memory that can lose its power, below the [FileStore] of every test that asks what is durable.
 *
 * Page cache and platter are kept apart. Of what was not flushed, any set of 512-byte sectors, file sizes and changes of
 * names survives a power loss, in any order. A failed flush leaves some of its data on the platter, forgets that the
 * rest was dirty, and goes on showing all of it to readers, as Linux does.
 *
 * Always: the same seeds and the same calls give the same bytes. Thread-safe by one monitor, also held by [beforeCall].
 */
class SimulatedDisk private constructor(private val root: SimulatedDirectory, private val random: Random) {
    constructor(seed: Long = 0) : this(SimulatedDirectory(), Random(seed))

    /** What programs ask of a disk. */
    enum class Call {
        CREATE,
        OPEN,
        READ,
        WRITE,
        SIZE,
        TRUNCATE,
        SYNC,
        CLOSE,
        RENAME,
        DELETE,
        KIND,
        LIST,
        CREATE_DIRECTORY,
        SYNC_DIRECTORY,
        LOCK,
        ;

        companion object {
            val ALL: Set<Call> = entries.toSet()

            /** The calls between which a crash can make a difference. */
            val MUTATIONS: Set<Call> =
                setOf(CREATE, WRITE, TRUNCATE, SYNC, RENAME, DELETE, CREATE_DIRECTORY, SYNC_DIRECTORY, LOCK)
        }
    }

    /** The failures of real disks, with their messages. */
    enum class Failure(private val message: String) {
        IO("Input/output error"),
        NO_SPACE("No space left on device"),
        TOO_MANY_FILES("Too many open files"),
        ACCESS_DENIED("Permission denied"),
        ;

        fun at(path: Path): IOException = when (this) {
            ACCESS_DENIED -> AccessDeniedException("$path")
            else -> FileSystemException("$path", null, message)
        }
    }

    /** Sees each call before it is done, with its index from 1 on. May throw, or take an image. */
    @Volatile
    var beforeCall: ((call: Call, path: Path, index: Int) -> Unit)? = null

    /** The sum of all file sizes that fit. A write that fits in part is short. */
    @Volatile
    var capacityBytes: Long = Long.MAX_VALUE

    /** Lets reads and writes do only part of their work now and then. */
    @Volatile
    var shortTransfers: Boolean = false

    /** Refuses to rename or delete files that are open, as Windows does. */
    @Volatile
    var keepsOpenFiles: Boolean = false

    private val monitor = Any()

    /** What a [FileStore] is built on. */
    internal val seam: Disk = Calls()
    private val plans = ArrayList<Plan>()
    private val counts = IntArray(Call.entries.size)
    private val locked = HashSet<Path>()
    private val openNodes = ArrayList<SimulatedFile>()
    private var stopped = false

    /** How many files are open now. */
    val openFiles: Int get() = synchronized(monitor) { openNodes.size }

    /** How many bytes the files have, as programs see them. */
    val usedBytes: Long get() = synchronized(monitor) { usedBelow(root) }

    /** A [FileStore] on this disk. Stores on the same directory share its segments and its lock. */
    fun store(
        directory: Path = DIRECTORY,
        preallocation: Boolean = true,
        recycling: Int = 0,
        reserveBytes: Long = 0,
    ): WalStore = FileStore(directory, seam)
        .withPreallocation(preallocation)
        .withRecycling(recycling)
        .withReserveBytes(reserveBytes)

    fun count(call: Call): Int = synchronized(monitor) { counts[call.ordinal] }

    fun count(calls: Set<Call> = Call.ALL): Int = synchronized(monitor) { calls.sumOf { counts[it.ordinal] } }

    /** Lets the [at]-th of these calls from now on fail, and the next ones up to [times]. */
    fun fail(at: Int, calls: Set<Call> = Call.ALL, times: Int = 1, failure: (Path) -> IOException = Failure.IO::at) {
        synchronized(monitor) { plans.add(Plan(at, calls, times, failure)) }
    }

    /** Stops the machine before the [at]-th of these calls from now on: that one and every later call fails. */
    fun crash(at: Int, calls: Set<Call> = Call.MUTATIONS) {
        synchronized(monitor) { plans.add(Plan(at, calls, 1, null)) }
    }

    /** Takes back what [fail] and [crash] planned. A machine that stopped stays so. */
    fun heal() {
        synchronized(monitor) { plans.clear() }
    }

    /** What a loss of power at this moment leaves: a new disk with nothing unflushed, no open file and no lock. */
    fun image(seed: Long): SimulatedDisk = synchronized(monitor) {
        val choices = Random(seed)
        SimulatedDisk(root.afterPowerLoss(choices), choices)
    }

    /** What the end of the process at this moment leaves: all that was written, flushed or not, and no lock. */
    fun killImage(): SimulatedDisk = synchronized(monitor) {
        SimulatedDisk(root.copy(java.util.IdentityHashMap()), Random(random.nextLong()))
    }

    /** The names in a directory; none if there is no such directory. */
    fun names(directory: Path = DIRECTORY): List<String> =
        synchronized(monitor) { (find(directory) as? SimulatedDirectory)?.names()?.sorted().orEmpty() }

    /** A file as programs see it. */
    fun bytes(path: Path): ByteArray = synchronized(monitor) { file(path).bytes() }

    /** A file as it is on the platter. */
    fun platterBytes(path: Path): ByteArray = synchronized(monitor) { file(path).platterBytes() }

    /** Changes bytes of a file as decay does: in the cache and on the platter, without any call. */
    fun damage(path: Path, position: Long, bytes: ByteArray) = synchronized(monitor) {
        val file = file(path)
        file.write(position.toInt(), bytes)
        file.flush()
    }

    /** Puts a file there, durably and without any call, replacing what has that name. */
    fun put(path: Path, bytes: ByteArray) = synchronized(monitor) {
        var directory = root
        for (name in path.parent) {
            val next = directory["$name"] as? SimulatedDirectory ?: SimulatedDirectory()
            directory.link("$name", next)
            directory.flush()
            directory = next
        }
        val file = SimulatedFile()
        file.write(0, bytes)
        file.flush()
        directory.link("${path.fileName}", file)
        directory.flush()
    }

    private fun enter(call: Call, path: Path) {
        if (stopped) throw SimulatedCrash()
        counts[call.ordinal]++
        beforeCall?.invoke(call, path, counts.sum())
        for (plan in plans) {
            if (plan.isDue(call)) {
                stopped = plan.failure == null
                throw plan.failure?.invoke(path) ?: SimulatedCrash()
            }
        }
    }

    private fun find(path: Path): SimulatedNode? {
        var node: SimulatedNode = root
        for (name in path) {
            node = (node as? SimulatedDirectory)?.get("$name") ?: return null
        }
        return node
    }

    private fun file(path: Path): SimulatedFile =
        find(path) as? SimulatedFile ?: throw NoSuchFileException("$path")

    private fun directory(path: Path): SimulatedDirectory = when (val node = find(path)) {
        is SimulatedDirectory -> node
        null -> throw NoSuchFileException("$path")
        else -> throw NotDirectoryException("$path")
    }

    private fun freeName(path: Path): SimulatedDirectory {
        val directory = directory(path.parent ?: throw FileAlreadyExistsException("$path"))
        if (directory["${path.fileName}"] != null) throw FileAlreadyExistsException("$path")
        return directory
    }

    private fun requireClosed(path: Path) {
        if (keepsOpenFiles && file(path) in openNodes) {
            throw FileSystemException("$path", null, "the file is open")
        }
    }

    private fun usedBelow(directory: SimulatedDirectory): Long = directory.nodes().sumOf {
        when (it) {
            is SimulatedFile -> it.size.toLong()
            is SimulatedDirectory -> usedBelow(it)
        }
    }

    private class Plan(val at: Int, val calls: Set<Call>, val times: Int, val failure: ((Path) -> IOException)?) {
        private var seen = 0

        fun isDue(call: Call): Boolean {
            if (call !in calls) return false
            seen++
            return seen >= at && seen - at < times
        }
    }

    /** The seam that the store is built on. */
    private inner class Calls : Disk {
        override fun create(file: Path, ownerOnly: Boolean): DiskFile = synchronized(monitor) {
            enter(Call.CREATE, file)
            val node = SimulatedFile()
            freeName(file).link("${file.fileName}", node)
            OpenFile(file, node, true)
        }

        override fun openForWriting(file: Path): DiskFile = open(file, true)

        override fun openForReading(file: Path): DiskFile = open(file, false)

        private fun open(path: Path, writable: Boolean): DiskFile = synchronized(monitor) {
            enter(Call.OPEN, path)
            OpenFile(path, file(path), writable)
        }

        override fun rename(from: Path, to: Path) = synchronized(monitor) {
            enter(Call.RENAME, from)
            requireClosed(from)
            freeName(to).rename("${from.fileName}", "${to.fileName}")
        }

        override fun delete(file: Path) = synchronized(monitor) {
            enter(Call.DELETE, file)
            requireClosed(file)
            file(file)
            directory(file.parent).unlink("${file.fileName}")
        }

        override fun kind(file: Path): Disk.Kind = synchronized(monitor) {
            enter(Call.KIND, file)
            when (find(file)) {
                null -> Disk.Kind.ABSENT
                is SimulatedFile -> Disk.Kind.FILE
                is SimulatedDirectory -> Disk.Kind.OTHER
            }
        }

        override fun list(directory: Path): List<String> = synchronized(monitor) {
            enter(Call.LIST, directory)
            directory(directory).names()
        }

        override fun isDirectory(path: Path): Boolean = synchronized(monitor) { find(path) is SimulatedDirectory }

        override fun createDirectory(directory: Path, ownerOnly: Boolean) = synchronized(monitor) {
            enter(Call.CREATE_DIRECTORY, directory)
            freeName(directory).link("${directory.fileName}", SimulatedDirectory())
        }

        override fun syncDirectory(directory: Path) = synchronized(monitor) {
            enter(Call.SYNC_DIRECTORY, directory)
            directory(directory).flush()
        }

        override fun lock(directory: Path, ownerOnly: Boolean): Closeable = synchronized(monitor) {
            enter(Call.LOCK, directory)
            val node = directory(directory)
            if (!locked.add(directory)) throw StoreLockedException("$directory: locked by this process")
            if (node[FileNames.LOCK] == null) node.link(FileNames.LOCK, SimulatedFile())
            Closeable { synchronized(monitor) { locked.remove(directory) } }
        }
    }

    private inner class OpenFile(
        private val path: Path,
        private val node: SimulatedFile,
        private val writable: Boolean,
    ) : DiskFile {
        private var open = openNodes.add(node)

        override fun read(target: ByteBuffer, position: Long): Int = synchronized(monitor) {
            require(open, Call.READ)
            val bytes = ByteArray(transferred(target.remaining()))
            val length = node.read(position, bytes)
            if (length > 0) target.put(bytes, 0, length)
            length
        }

        override fun write(source: ByteBuffer, position: Long): Int = synchronized(monitor) {
            require(writable, Call.WRITE)
            val wanted = transferred(source.remaining())
            val length = minOf(wanted.toLong(), writableFrom(position)).toInt()
            if (length <= 0 && wanted > 0) throw IOException("No space left on device")
            val bytes = ByteArray(length)
            source.get(bytes)
            node.write(position.toInt(), bytes)
            length
        }

        override fun size(): Long = synchronized(monitor) {
            require(open, Call.SIZE)
            node.size.toLong()
        }

        override fun truncate(size: Long) = synchronized(monitor) {
            require(writable, Call.TRUNCATE)
            node.truncate(size.toInt())
        }

        override fun sync(attributes: Boolean) = synchronized(monitor) {
            try {
                require(writable, Call.SYNC)
            } catch (e: SimulatedCrash) {
                throw e
            } catch (e: IOException) {
                node.failToFlush(random)
                throw e
            }
            node.flush()
        }

        override fun close() = synchronized(monitor) {
            if (open) {
                open = false
                openNodes.remove(node)
                enter(Call.CLOSE, path)
            }
        }

        private fun require(allowed: Boolean, call: Call) {
            if (!open) throw ClosedChannelException()
            check(allowed) { "$path is open for reading alone" }
            enter(call, path)
        }

        private fun transferred(length: Int): Int =
            if (shortTransfers && length > 1) 1 + random.nextInt(length) else length

        private fun writableFrom(position: Long): Long {
            if (capacityBytes == Long.MAX_VALUE) return Long.MAX_VALUE
            return node.size - position + maxOf(0, capacityBytes - usedBelow(root))
        }
    }

    companion object {
        /** Where [store] keeps its segments unless told otherwise. */
        val DIRECTORY: Path = Path.of("/wal").toAbsolutePath()

        /** The file of a segment. */
        fun segment(sequence: Long, directory: Path = DIRECTORY): Path =
            directory.resolve(FileNames.segment(sequence))
    }
}

/** The simulated machine stopped: this call and no later one was done. */
class SimulatedCrash : IOException("the simulated machine stopped")
