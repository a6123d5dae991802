package dev.kwal.testkit

import dev.kwal.storage.FileSnapshotStore
import dev.kwal.storage.FileStore
import dev.kwal.storage.SingleFileStore
import dev.kwal.storage.disk.OtherDisk
import java.nio.file.Path
import java.util.Random

/**
 * A disk in memory that can lose its power, below a store of every test that asks what is durable.
 *
 * Page cache and platter are kept apart. What of the unflushed survives a crash is the affair of its [Strictness]. A failed
 * flush leaves some of its data on the platter, forgets that the rest was dirty, and goes on showing all of it to readers,
 * as Linux does.
 *
 * Always: the same seeds and the same calls give the same bytes. Thread-safe by one monitor, also held by [beforeCall].
 */
public class SimulatedDisk internal constructor(private val machine: Machine) {
    /** An empty disk. The seed decides on short transfers, and on what a failed flush left. */
    @JvmOverloads
    public constructor(seed: Long = 0) : this(Machine(SimulatedDirectory(), Random(seed)))

    /** Sees each call before it is done. May throw in its place, or take an image. */
    public var beforeCall: CallWatcher? by machine::beforeCall

    /** The sum of all file sizes that fit. A write that fits in part is short. */
    public var capacityBytes: Long by machine::capacityBytes

    /** Lets reads and writes do only part of their work now and then. */
    public var shortTransfers: Boolean by machine::shortTransfers

    /** Refuses to rename or delete files that are open, as Windows does. */
    public var keepsOpenFiles: Boolean by machine::keepsOpenFiles

    /** Whether a [crash] has stopped the machine. */
    public val isStopped: Boolean get() = synchronized(machine) { machine.isStopped }

    /** How many files are open now. */
    public val openFiles: Int get() = synchronized(machine) { machine.openNodes.size }

    /** How many bytes the files have, as programs see them. */
    public val usedBytes: Long get() = synchronized(machine) { machine.usedBytes }

    /** What a store is built on. */
    internal val seam: MachineDisk = MachineDisk(machine)

    /**
     * A store on this disk, with no reserve unless told. Stores on the same directory share its segments and its lock.
     */
    @JvmOverloads
    public fun store(
        directory: Path = DIRECTORY,
        preallocation: Boolean = true,
        recycling: Int = 0,
        reserveBytes: Long = 0,
    ): FileStore = store(
        FileStore.of(directory)
            .withPreallocation(preallocation)
            .withRecycling(recycling)
            .withReserveBytes(reserveBytes),
    )

    /** A store of the same directory and settings, on this disk. */
    public fun store(like: FileStore): FileStore = OtherDisk.move(like, seam)

    /** A store of snapshots on this disk. */
    @JvmOverloads
    public fun snapshots(directory: Path = SNAPSHOTS): FileSnapshotStore = snapshots(FileSnapshotStore.of(directory))

    /** A store of the same directory and settings, on this disk. */
    public fun snapshots(like: FileSnapshotStore): FileSnapshotStore = OtherDisk.move(like, seam)

    /** A record file on this disk. */
    @JvmOverloads
    public fun recordFile(file: Path = RECORDS): SingleFileStore = recordFile(SingleFileStore.of(file))

    /** A record file of the same settings, on this disk. */
    public fun recordFile(like: SingleFileStore): SingleFileStore = OtherDisk.move(like, seam)

    /** How often programs made this call. */
    public fun count(call: DiskCall): Int = count(setOf(call))

    /** How often programs made any of these calls. */
    @JvmOverloads
    public fun count(calls: Set<DiskCall> = DiskCall.ALL): Int = synchronized(machine) { machine.count(calls) }

    /** Lets the [at]-th of these calls from now on fail, and the next ones up to [times]. */
    @JvmOverloads
    public fun fail(
        at: Int,
        calls: Set<DiskCall> = DiskCall.ALL,
        times: Int = 1,
        failure: FailureAt = DiskFailure.IO,
    ): Unit = plan(Machine.Plan(at, calls, times, Machine.Effect.FAIL, failure))

    /** Lets the [at]-th of these reads and writes from now on be short, and the next ones up to [times]. */
    @JvmOverloads
    public fun shorten(at: Int, calls: Set<DiskCall> = DiskCall.TRANSFERS, times: Int = 1): Unit =
        plan(Machine.Plan(at, calls, times, Machine.Effect.SHORT))

    /** Stops the machine before the [at]-th of these calls from now on: that one and every later call fails. */
    @JvmOverloads
    public fun crash(at: Int, calls: Set<DiskCall> = DiskCall.MUTATIONS): Unit =
        plan(Machine.Plan(at, calls, 1, Machine.Effect.STOP))

    /** Takes back what [fail], [shorten] and [crash] planned. A machine that stopped stays so. */
    public fun heal(): Unit = synchronized(machine) { machine.plans.clear() }

    /** What a crash at this moment leaves, with no open file and no lock. The seed decides where there is a choice. */
    @JvmOverloads
    public fun image(seed: Long, strictness: Strictness = Strictness.LOOSE_POSIX): SimulatedDisk =
        synchronized(machine) {
            when (strictness) {
                Strictness.PROCESS_KILL -> SimulatedDisk(machine.afterKill(seed))
                Strictness.ORDERED_METADATA -> SimulatedDisk(machine.afterPowerLoss(seed, true))
                Strictness.LOOSE_POSIX -> SimulatedDisk(machine.afterPowerLoss(seed, false))
            }
        }

    /** What the end of the process at this moment leaves: all that was written, flushed or not, and no lock. */
    public fun killImage(): SimulatedDisk =
        synchronized(machine) { image(machine.random.nextLong(), Strictness.PROCESS_KILL) }

    /** The names in a directory; none if there is no such directory. */
    @JvmOverloads
    public fun names(directory: Path = DIRECTORY): List<String> =
        synchronized(machine) { (machine.find(directory) as? SimulatedDirectory)?.names()?.sorted().orEmpty() }

    /** A file as programs see it. */
    public fun bytes(path: Path): ByteArray = synchronized(machine) { machine.file(path).bytes() }

    /** A file as it is on the platter. */
    public fun platterBytes(path: Path): ByteArray = synchronized(machine) { machine.file(path).platterBytes() }

    /** Puts a file there, durably and without any call, replacing what has that name. */
    public fun put(path: Path, bytes: ByteArray): Unit = synchronized(machine) {
        val directory = machine.makeDirectory(path.parent)
        val file = SimulatedFile()
        file.write(0, bytes, machine.nextTime())
        machine.flush(file)
        directory.link("${path.fileName}", file, machine.nextTime())
        machine.flush(directory)
    }

    /** Changes bytes of a file as decay does: in the cache and on the platter, without any call. */
    public fun damage(path: Path, position: Long, bytes: ByteArray): Unit =
        synchronized(machine) { damage(machine.file(path), position.toInt(), bytes) }

    /** Flips one bit of a file; bit 0 is the lowest of its first byte. */
    public fun flipBit(path: Path, bit: Long): Unit = synchronized(machine) {
        val file = machine.file(path)
        val position = (bit / Byte.SIZE_BITS).toInt()
        require(bit >= 0 && position < file.size) { "bit $bit of $path, which has ${file.size} bytes" }
        val byte = file.bytes()[position].toInt() xor (1 shl (bit % Byte.SIZE_BITS).toInt())
        damage(file, position, byteArrayOf(byte.toByte()))
    }

    /** Lets a file end in so many zeros more, as one does whose size survived and whose data did not. */
    public fun growZeros(path: Path, count: Int): Unit = synchronized(machine) {
        val file = machine.file(path)
        damage(file, file.size, ByteArray(count))
    }

    /**
     * Lets a 4-KiB block show what it held before the last flush of its file, as a disk does that dropped a write.
     *
     * @return the position of the block; -1 if no block ever held anything else
     */
    public fun staleBlock(path: Path, seed: Long): Long = synchronized(machine) {
        val file = machine.file(path)
        val bytes = file.bytes()
        val changed = (bytes.indices step SimulatedFile.BLOCK_BYTES).filter { from ->
            val to = minOf(from + SimulatedFile.BLOCK_BYTES, bytes.size)
            !file.formerBytes(from, to).contentEquals(bytes.copyOfRange(from, to))
        }
        val from = if (changed.isEmpty()) -1 else changed[Random(mixed(seed)).nextInt(changed.size)]
        if (from >= 0) {
            damage(file, from, file.formerBytes(from, minOf(from + SimulatedFile.BLOCK_BYTES, bytes.size)))
        }
        from.toLong()
    }

    private fun damage(file: SimulatedFile, position: Int, bytes: ByteArray) {
        file.write(position, bytes, machine.nextTime())
        machine.flush(file)
    }

    private fun plan(plan: Machine.Plan): Unit = synchronized(machine) { machine.plans.add(plan) }

    public companion object {
        private const val DIGITS = 20

        /** Where [store] keeps its segments unless told otherwise. */
        @JvmField
        public val DIRECTORY: Path = Path.of("/wal").toAbsolutePath()

        /** Where [snapshots] keeps them unless told otherwise. */
        @JvmField
        public val SNAPSHOTS: Path = Path.of("/snapshots").toAbsolutePath()

        /** Where [recordFile] is unless told otherwise. */
        @JvmField
        public val RECORDS: Path = Path.of("/wal/records").toAbsolutePath()

        /** The file of a segment. */
        @JvmStatic
        @JvmOverloads
        public fun segment(sequence: Long, directory: Path = DIRECTORY): Path =
            directory.resolve("$sequence".padStart(DIGITS, '0') + ".wal")
    }
}
