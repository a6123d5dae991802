package dev.kwal.testkit

import java.io.IOException
import java.nio.file.FileAlreadyExistsException
import java.nio.file.FileSystemException
import java.nio.file.NoSuchFileException
import java.nio.file.NotDirectoryException
import java.nio.file.Path
import java.util.IdentityHashMap
import java.util.Random

/**
 * The state of a [SimulatedDisk]: its tree, its open files, and what is planned for its calls.
 *
 * Called under its own monitor only.
 */
internal class Machine(
    private val root: SimulatedDirectory,
    val random: Random,
    private var now: Int = 0,
    private var flushedTime: Int = 0,
) {
    @Volatile
    var beforeCall: CallWatcher? = null

    @Volatile
    var capacityBytes = Long.MAX_VALUE

    @Volatile
    var shortTransfers = false

    @Volatile
    var keepsOpenFiles = false

    val locked = HashSet<Path>()
    val openNodes = ArrayList<SimulatedFile>()
    val plans = ArrayList<Plan>()
    private val counts = IntArray(DiskCall.entries.size)
    private var count = 0
    var isStopped = false
        private set

    val usedBytes: Long get() = filesBelow(root).distinct().sumOf { it.size.toLong() }

    fun count(calls: Set<DiskCall>): Int = calls.sumOf { counts[it.ordinal] }

    /** Counts a call, or throws what is planned for it. True if it is to be short. */
    fun enter(call: DiskCall, path: Path): Boolean {
        if (isStopped) throw SimulatedCrash()
        counts[call.ordinal]++
        count++
        beforeCall?.beforeCall(call, path, count)
        var isShort = false
        for (plan in plans) {
            if (plan.isDue(call)) {
                when (plan.effect) {
                    Effect.SHORT -> isShort = true

                    Effect.FAIL -> throw checkNotNull(plan.failure).at(path)

                    Effect.STOP -> {
                        isStopped = true
                        throw SimulatedCrash()
                    }
                }
            }
        }
        return isShort
    }

    /** The time of the next change of names or sizes. */
    fun nextTime(): Int = ++now

    fun flush(node: SimulatedNode) {
        flushedTime = maxOf(flushedTime, node.flush())
    }

    fun afterPowerLoss(seed: Long, isOrdered: Boolean): Machine {
        val choices = Random(seed)
        val cut = if (isOrdered) flushedTime + choices.nextInt(now - flushedTime + 1) else null
        return Machine(root.afterPowerLoss(PowerLoss(choices, cut)), choices)
    }

    fun afterKill(seed: Long): Machine =
        Machine(root.copy(IdentityHashMap()), Random(seed), now, flushedTime)

    fun find(path: Path): SimulatedNode? {
        var node: SimulatedNode = root
        for (name in path) {
            node = (node as? SimulatedDirectory)?.get("$name") ?: return null
        }
        return node
    }

    fun file(path: Path): SimulatedFile = find(path) as? SimulatedFile ?: throw NoSuchFileException("$path")

    fun directory(path: Path): SimulatedDirectory = when (val node = find(path)) {
        is SimulatedDirectory -> node
        null -> throw NoSuchFileException("$path")
        else -> throw NotDirectoryException("$path")
    }

    fun parentOf(path: Path): SimulatedDirectory =
        directory(path.parent ?: throw FileAlreadyExistsException("$path"))

    /** The directory in which this name is free. */
    fun freeName(path: Path): SimulatedDirectory {
        val directory = parentOf(path)
        if (directory["${path.fileName}"] != null) throw FileAlreadyExistsException("$path")
        return directory
    }

    fun requireClosed(path: Path) {
        if (keepsOpenFiles && find(path) in openNodes) throw FileSystemException("$path", null, "the file is open")
    }

    /** A directory that is there durably and without any call, with those above it. */
    fun makeDirectory(path: Path): SimulatedDirectory {
        var directory = root
        for (name in path) {
            val next = directory["$name"] as? SimulatedDirectory ?: SimulatedDirectory()
            if (directory["$name"] !== next) directory.link("$name", next, nextTime())
            flush(directory)
            directory = next
        }
        return directory
    }

    /** How much of a write of so many bytes is done; none if not even one fits. */
    fun writableBytes(file: SimulatedFile, position: Long, wanted: Int): Int {
        if (capacityBytes == Long.MAX_VALUE) return wanted
        val room = file.size - position + maxOf(0, capacityBytes - usedBytes)
        return minOf(wanted.toLong(), maxOf(0, room)).toInt()
    }

    /** How many names a file has. */
    fun linkCount(file: SimulatedFile): Int = filesBelow(root).count { it === file }

    /** The file of each name. */
    private fun filesBelow(directory: SimulatedDirectory): List<SimulatedFile> = directory.nodes().flatMap {
        when (it) {
            is SimulatedFile -> listOf(it)
            is SimulatedDirectory -> filesBelow(it)
        }
    }

    enum class Effect { FAIL, SHORT, STOP }

    /** What happens to the [at]-th of some calls from now on, and to the next ones up to [times]. */
    class Plan(
        private val at: Int,
        private val calls: Set<DiskCall>,
        private val times: Int,
        val effect: Effect,
        val failure: FailureAt? = null,
    ) {
        private var seen = 0

        fun isDue(call: DiskCall): Boolean {
            if (call !in calls) return false
            seen++
            return seen >= at && seen - at < times
        }
    }
}

/** The simulated machine stopped: this call and no later one was done. */
public class SimulatedCrash : IOException("the simulated machine stopped")
