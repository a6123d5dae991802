package dev.kwal.benchmarks.load

/**
 * What one round gave.
 *
 * @property value records a second, or milliseconds
 * @property allocatedPerOperation bytes of heap for each operation, where they are known
 */
internal data class Score(val value: Double, val allocatedPerOperation: Double? = null)

/** One of the two that are compared: a log, or a limit. Rounds do not depend on each other. */
internal interface Side : AutoCloseable {
    /** One round of about so many seconds; a round of a fixed amount of work ignores them. */
    fun round(seconds: Double): Score

    override fun close() {}
}

internal fun side(round: (Double) -> Score): Side = object : Side {
    override fun round(seconds: Double) = round(seconds)
}

internal fun Tally.score() = Score(perSecond, allocatedPerOperation)
