package dev.kwal.kills

import kotlin.random.Random

/**
 * Which record this is, over all lives of the log: no two records have the same.
 *
 * @param number counts what a worker appended in its round, alone or as a batch
 * @param position of the record in its batch of [count]
 */
data class Stamp(val round: Int, val worker: Int, val number: Int, val position: Int = 0, val count: Int = 1) {
    val isLastOfBatch get() = position == count - 1

    /** Who appended it: one after the other, so that the numbers of one author go up. */
    val author get() = round to worker

    /** What is appended: the stamp, and bytes that follow from it. */
    fun record(): ByteArray = "$this ".toByteArray() + bytes()

    private fun bytes(): ByteArray {
        val random = Random(hashCode())
        return random.nextBytes(if (random.nextInt(20) == 0) LARGE_BYTES else random.nextInt(SMALL_BYTES))
    }

    override fun toString() = "$round/$worker/$number/$position/$count"

    companion object {
        private const val SMALL_BYTES = 300

        /** More than the smallest buffer holds. */
        private const val LARGE_BYTES = 5_000

        fun parse(text: String): Stamp {
            val numbers = text.split('/').map(String::toInt)
            val (round, worker, number) = numbers
            return Stamp(round, worker, number, position = numbers[3], count = numbers[4])
        }

        /** The stamp of a record that is, byte for byte, what was appended. */
        fun of(record: ByteArray): Stamp {
            val text = String(record, Charsets.ISO_8859_1).substringBefore(' ')
            return parse(text).also { check(it.record().contentEquals(record)) { "record $text was altered" } }
        }
    }
}
