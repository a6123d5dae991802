package dev.kwal.crash

import java.nio.ByteBuffer
import java.util.Random

/**
 * Makes what a caller appends.
 *
 * The records are self-describing: number of the caller, number of the record, and bytes that follow from both and the seed.
 */
internal class Groups(
    private val random: Random,
    private val shape: Shape,
    private val number: Int,
    private val foreignBytes: () -> ByteArray? = { null },
) {
    private var count = 0

    fun next(count: Int) = Group(List(count) { record() })

    private fun record(): ByteArray {
        val length = when (random.nextInt(20)) {
            0 -> 0
            1 -> shape.segmentBytes / 2 + random.nextInt(shape.segmentBytes)
            in 2..5 -> 100 + random.nextInt(300)
            else -> random.nextInt(60)
        }
        val foreign = if (random.nextInt(12) == 0) foreignBytes() else null
        return recordOf(++count, foreign ?: ByteArray(length).also(random::nextBytes))
    }

    /** Callers with a number mark every record, so that no two are alike. */
    private fun recordOf(count: Int, filling: ByteArray): ByteArray {
        if (number == 0) return filling
        return ByteBuffer.allocate(8 + filling.size).putInt(number).putInt(count).put(filling).array()
    }
}
