package dev.kwal.samples.demo

import java.nio.ByteBuffer
import kotlin.random.Random

/** Who wrote a record, and when in that writer's life. The contents of the record follow from it. */
internal data class Stamp(val round: Int, val worker: Int, val number: Int) {

    /** The stamp, and some hundred bytes that anybody can compute again. */
    fun record(): ByteArray {
        val random = Random(hashCode())
        val body = random.nextBytes(random.nextInt(LONGEST_BODY))
        val record = ByteBuffer.allocate(STAMP_BYTES + body.size)
        return record.putInt(round).putInt(worker).putInt(number).put(body).array()
    }

    companion object {
        private const val STAMP_BYTES = 12
        private const val LONGEST_BODY = 600

        /** The stamp of a record; null if it is not, byte for byte, what was written. */
        fun of(record: ByteArray): Stamp? {
            if (record.size < STAMP_BYTES) return null
            val stamp = ByteBuffer.wrap(record).run { Stamp(getInt(), getInt(), getInt()) }
            return stamp.takeIf { it.record().contentEquals(record) }
        }
    }
}
