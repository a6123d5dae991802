package dev.kwal.benchmarks.report

import dev.kwal.benchmarks.load.Score

/** The median of some values, with the least and the most. */
internal data class Spread(val median: Double, val least: Double, val most: Double) {
    companion object {
        fun of(values: List<Double>): Spread {
            val sorted = values.sorted()
            val middle = sorted.size / 2
            val median = if (sorted.size % 2 == 1) sorted[middle] else (sorted[middle - 1] + sorted[middle]) / 2
            return Spread(median, sorted.first(), sorted.last())
        }
    }
}

/** What the rounds of one comparison gave. The ratio is that of two rounds which are neighbours in time. */
internal class Measurement(val comparison: Comparison, val ours: List<Score>, val limit: List<Score>) {
    val oursSpread = Spread.of(ours.map { it.value })
    val limitSpread = Spread.of(limit.map { it.value })
    val ratio = Spread.of(ours.zip(limit) { one, other -> one.value / other.value })
    val allocatedPerOperation: Double? =
        ours.mapNotNull { it.allocatedPerOperation }.ifEmpty { null }?.let { Spread.of(it).median }

    /** Whether all goals are reached, or null if there is none. */
    val reached: Boolean?
        get() {
            val isTime = comparison.measure == Measure.MILLISECONDS
            val goals = listOfNotNull(
                comparison.goal?.let { if (isTime) ratio.median <= it else ratio.median >= it },
                comparison.absoluteGoal?.let { if (isTime) oursSpread.median <= it else oursSpread.median >= it },
                comparison.allocationGoal?.let { goal -> allocatedPerOperation?.let { it < goal + LEAST_TOLD_BYTES } },
            )
            return if (goals.isEmpty()) null else goals.all { it }
        }

    private companion object {
        /** What is there for each round, and not for each record, is spread over so many that it is less. */
        private const val LEAST_TOLD_BYTES = 0.5
    }
}

/** Both sides in turn, so that a slow minute of the machine meets both; one round of each is for warming up. */
internal fun Comparison.measured(rounds: Int, seconds: Double): Measurement = limit().use { limitSide ->
    ours().use { oursSide ->
        val scores = List(rounds + 1) { oursSide.round(seconds) to limitSide.round(seconds) }.drop(1)
        Measurement(this, scores.map { it.first }, scores.map { it.second })
    }
}
