package dev.kwal.storage

import java.util.Random

/** What a name of the simulated disk stands for. */
internal sealed interface SimulatedNode {
    /** A copy that shares bytes with this one until either writes. */
    fun copy(copies: MutableMap<SimulatedNode, SimulatedNode>): SimulatedNode

    /** What a power loss leaves of it. */
    fun afterPowerLoss(random: Random): SimulatedNode
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
) : SimulatedNode {
    constructor() : this(NOTHING, 0, NOTHING, 0)

    var size: Int = size
        private set

    private var cacheIsShared = true
    private var cacheDiffersForGood = false
    private var writes = ArrayList<SectorWrite>()
    private var sizes = ArrayList<Int>()

    val isDirty: Boolean get() = writes.isNotEmpty() || sizes.isNotEmpty()

    fun read(position: Long, target: ByteArray): Int {
        if (position >= size) return -1
        val length = minOf(target.size, size - position.toInt())
        cache.copyInto(target, 0, position.toInt(), position.toInt() + length)
        return length
    }

    fun write(position: Int, source: ByteArray) {
        if (source.isEmpty()) return
        own(position + source.size)
        source.copyInto(cache, position)
        dirty(position, position + source.size)
        if (position + source.size > size) resize(position + source.size)
    }

    fun truncate(newSize: Int) {
        if (newSize >= size) return
        own(size)
        cache.fill(0, newSize, size)
        dirty(newSize, size)
        resize(newSize)
    }

    fun flush() {
        platter = if (cacheDiffersForGood) platterWithAllWrites() else cache.also { cacheIsShared = true }
        platterSize = size
        writes.clear()
        sizes.clear()
    }

    /** Some of it may have reached the platter; the rest is clean from now on and never gets there. */
    fun failToFlush(random: Random) {
        if (!isDirty) return
        val left = afterPowerLoss(random)
        platter = left.platter
        platterSize = left.platterSize
        cacheDiffersForGood = true
        writes.clear()
        sizes.clear()
    }

    fun bytes(): ByteArray = cache.copyOf(size)

    fun platterBytes(): ByteArray = platter.copyOf(platterSize)

    override fun copy(copies: MutableMap<SimulatedNode, SimulatedNode>): SimulatedFile {
        cacheIsShared = true
        val copy = SimulatedFile(cache, size, platter, platterSize)
        copy.cacheDiffersForGood = cacheDiffersForGood
        copy.writes = ArrayList(writes)
        copy.sizes = ArrayList(sizes)
        copies[this] = copy
        return copy
    }

    /** Sectors and sizes are settled apart: a size may survive without its data, and data without its size is lost. */
    override fun afterPowerLoss(random: Random): SimulatedFile {
        if (!isDirty) return SimulatedFile(platter, platterSize, platter, platterSize)
        val left = platterWith(survivors(random))
        val leftSize = when (random.nextInt(3)) {
            0 -> platterSize
            1 -> size
            else -> sizes.getOrElse(random.nextInt(sizes.size + 1)) { platterSize }
        }
        val bytes = left.copyOf(maxOf(left.size, roundedUp(leftSize)))
        bytes.fill(0, leftSize)
        return SimulatedFile(bytes, leftSize, bytes, leftSize)
    }

    /** For each sector the count of writes, of all since the last flush, behind which it was not written any more. */
    private fun survivors(random: Random): (Int) -> Int {
        val count = writes.size
        return when (random.nextInt(5)) {
            0 -> { _ -> 0 }

            1 -> { _ -> count }

            else -> {
                val seed = random.nextLong()
                val choose = { sector: Int ->
                    val hash = mixed(seed + sector)
                    when ((hash and 3).toInt()) {
                        0 -> 0
                        1 -> count
                        else -> ((hash ushr 8) % (count + 1)).toInt()
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
    private fun dirty(from: Int, to: Int) {
        val first = from / SECTOR_BYTES
        writes.add(SectorWrite(first, cache.copyOfRange(first * SECTOR_BYTES, roundedUp(to))))
    }

    private fun resize(newSize: Int) {
        size = newSize
        sizes.add(newSize)
    }

    private class SectorWrite(val firstSector: Int, val bytes: ByteArray)

    companion object {
        const val SECTOR_BYTES = 512
        private val NOTHING = ByteArray(0)

        private fun roundedUp(size: Int) = (size + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES

        /** The finisher of splitmix64. */
        private fun mixed(value: Long): Long {
            var bits = (value xor (value ushr 30)) * -0x40a7b892e31b1a47L
            bits = (bits xor (bits ushr 27)) * -0x6b2fb644ecceee15L
            return bits xor (bits ushr 31) and Long.MAX_VALUE
        }
    }
}
