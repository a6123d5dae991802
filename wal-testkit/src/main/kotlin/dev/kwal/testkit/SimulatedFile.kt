package dev.kwal.testkit

import java.nio.ByteBuffer
import java.util.IdentityHashMap
import java.util.Random

/** What a name of the simulated disk stands for. Each change has the time at which it was made. */
internal sealed interface SimulatedNode {
    /** Brings all of it to the platter, and says when the last of its names and sizes was changed; 0 if none was. */
    fun flush(): Int

    /** A copy that shares bytes with this one until either writes. */
    fun copy(copies: MutableMap<SimulatedNode, SimulatedNode>): SimulatedNode

    /** What a power loss leaves of it. */
    fun afterPowerLoss(loss: PowerLoss): SimulatedNode
}

/** One loss of power. With a [cut] the changes of names and sizes survive that were made up to that time. */
internal class PowerLoss(val random: Random, val cut: Int?) {
    private val left = IdentityHashMap<SimulatedNode, SimulatedNode>()

    /** What it leaves of a node, under whatever name. */
    fun left(node: SimulatedNode): SimulatedNode = left.getOrPut(node) { node.afterPowerLoss(this) }
}

/**
 * One file, in the page cache and on the platter.
 *
 * Always: the arrays are multiples of a sector long, zero behind the size, and never changed once somebody else may have
 * them. [writes] and [sizes] are what changed since the last flush, in order.
 */
internal class SimulatedFile private constructor(
    private var cache: ByteArray,
    size: Int,
    private var platter: ByteArray,
    private var platterSize: Int,
    private var formerPlatter: ByteArray,
) : SimulatedNode {
    constructor() : this(NOTHING, 0, NOTHING, 0, NOTHING)

    var size: Int = size
        private set

    private var cacheIsShared = true
    private var cacheDiffersForGood = false
    private var writes = ArrayList<SectorWrite>()
    private var sizes = ArrayList<Resize>()

    private val isDirty: Boolean get() = writes.isNotEmpty() || sizes.isNotEmpty()

    /** Reads at most so many bytes; -1 at the end of the file. */
    fun read(position: Long, target: ByteBuffer, wanted: Int): Int {
        if (position >= size) return -1
        val length = minOf(wanted, size - position.toInt())
        target.put(cache, position.toInt(), length)
        return length
    }

    fun write(position: Int, source: ByteArray, time: Int) {
        if (source.isEmpty()) return
        own(position + source.size)
        source.copyInto(cache, position)
        dirty(position, position + source.size, time)
        if (position + source.size > size) resize(position + source.size, time)
    }

    fun truncate(newSize: Int, time: Int) {
        if (newSize >= size) return
        own(size)
        cache.fill(0, newSize, size)
        dirty(newSize, size, time)
        resize(newSize, time)
    }

    override fun flush(): Int {
        formerPlatter = platter
        platter = if (cacheDiffersForGood) platterWithAllWrites() else cache.also { cacheIsShared = true }
        platterSize = size
        val last = sizes.lastOrNull()?.time ?: 0
        writes.clear()
        sizes.clear()
        return last
    }

    /** Some of it may have reached the platter; the rest is clean from now on and never gets there. */
    fun failToFlush(random: Random) {
        if (!isDirty) return
        val left = afterPowerLoss(PowerLoss(random, null))
        platter = left.platter
        platterSize = left.platterSize
        cacheDiffersForGood = true
        writes.clear()
        sizes.clear()
    }

    fun bytes(): ByteArray = cache.copyOf(size)

    fun platterBytes(): ByteArray = platter.copyOf(platterSize)

    /** What stood here before the last flush; zeros where nothing did. */
    fun formerBytes(from: Int, to: Int): ByteArray =
        if (from >= formerPlatter.size) {
            ByteArray(to - from)
        } else {
            formerPlatter.copyOfRange(from, minOf(to, formerPlatter.size)).copyOf(to - from)
        }

    override fun copy(copies: MutableMap<SimulatedNode, SimulatedNode>): SimulatedFile {
        cacheIsShared = true
        val copy = SimulatedFile(cache, size, platter, platterSize, formerPlatter)
        copy.cacheDiffersForGood = cacheDiffersForGood
        copy.writes = ArrayList(writes)
        copy.sizes = ArrayList(sizes)
        copies[this] = copy
        return copy
    }

    /** Sectors and sizes are settled apart: a size may survive without its data, and data without its size is lost. */
    override fun afterPowerLoss(loss: PowerLoss): SimulatedFile {
        if (!isDirty) return SimulatedFile(platter, platterSize, platter, platterSize, formerPlatter)
        val left = platterWith(survivors(loss))
        val leftSize = survivingSize(loss)
        val bytes = left.copyOf(maxOf(left.size, roundedUp(leftSize)))
        bytes.fill(0, leftSize)
        return SimulatedFile(bytes, leftSize, bytes, leftSize, formerPlatter)
    }

    private fun survivingSize(loss: PowerLoss): Int {
        if (loss.cut != null) return sizes.lastOrNull { it.time <= loss.cut }?.size ?: platterSize
        return when (loss.random.nextInt(SIZE_CHOICES)) {
            0 -> platterSize
            1 -> size
            else -> sizes.getOrNull(loss.random.nextInt(sizes.size + 1))?.size ?: platterSize
        }
    }

    /** For each sector the count of writes, of all since the last flush, behind which it was not written any more. */
    private fun survivors(loss: PowerLoss): (Int) -> Int {
        val any = anySurvivors(loss.random)
        if (loss.cut == null) return any
        val ordered = writes.count { it.time <= loss.cut }
        val firstOrdered = platterSize / SECTOR_BYTES
        return { sector -> if (sector < firstOrdered) any(sector) else maxOf(ordered, any(sector)) }
    }

    private fun anySurvivors(random: Random): (Int) -> Int {
        val count = writes.size
        return when (random.nextInt(SURVIVOR_CHOICES)) {
            0 -> { _ -> 0 }

            1 -> { _ -> count }

            else -> {
                val seed = random.nextLong()
                val unitShift = if (random.nextInt(UNIT_CHOICES) == 0) BLOCK_SHIFT else 0
                val choose = { sector: Int ->
                    val hash = mixed(seed + (sector shr unitShift)) and Long.MAX_VALUE
                    when ((hash % STATE_CHOICES).toInt()) {
                        0 -> 0
                        1 -> count
                        else -> ((hash ushr Byte.SIZE_BITS) % (count + 1)).toInt()
                    }
                }
                choose
            }
        }
    }

    private fun platterWithAllWrites() = platterWith { writes.size }.also { it.fill(0, size) }

    private fun platterWith(survivors: (Int) -> Int): ByteArray {
        val bytes = platter.copyOf(maxOf(platter.size, cache.size))
        writes.forEachIndexed { index, write ->
            for (offset in write.bytes.indices step SECTOR_BYTES) {
                val sector = write.firstSector + offset / SECTOR_BYTES
                if (index < survivors(sector)) {
                    System.arraycopy(write.bytes, offset, bytes, sector * SECTOR_BYTES, SECTOR_BYTES)
                }
            }
        }
        return bytes
    }

    private fun own(neededSize: Int) {
        val needed = roundedUp(neededSize)
        if (needed > cache.size) {
            cache = cache.copyOf(if (cache.isEmpty()) needed else maxOf(needed, roundedUp(cache.size + cache.size / 2)))
        } else if (cacheIsShared) {
            cache = cache.copyOf()
        }
        cacheIsShared = false
    }

    /** Remembers whole sectors as they are now in the cache: that is what the system writes back. */
    private fun dirty(from: Int, to: Int, time: Int) {
        val first = from / SECTOR_BYTES
        writes.add(SectorWrite(first, cache.copyOfRange(first * SECTOR_BYTES, roundedUp(to)), time))
    }

    private fun resize(newSize: Int, time: Int) {
        size = newSize
        sizes.add(Resize(newSize, time))
    }

    private class SectorWrite(val firstSector: Int, val bytes: ByteArray, val time: Int)

    private class Resize(val size: Int, val time: Int)

    companion object {
        const val SECTOR_BYTES = 512
        const val BLOCK_BYTES = 4096
        private const val BLOCK_SHIFT = 3
        private const val UNIT_CHOICES = 3
        private const val SIZE_CHOICES = 3
        private const val STATE_CHOICES = 4
        private const val SURVIVOR_CHOICES = 5
        private val NOTHING = ByteArray(0)

        private fun roundedUp(size: Int) = (size + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES
    }
}

/** The finisher of splitmix64, to draw one seed from another. */
@Suppress("MagicNumber")
internal fun mixed(seed: Long): Long {
    var bits = (seed xor (seed ushr 30)) * -0x40a7b892e31b1a47L
    bits = (bits xor (bits ushr 27)) * -0x6b2fb644ecceee15L
    return bits xor (bits ushr 31)
}
