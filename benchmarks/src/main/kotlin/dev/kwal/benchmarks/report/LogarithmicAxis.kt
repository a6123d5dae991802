package dev.kwal.benchmarks.report

import org.jfree.chart.axis.AxisState
import org.jfree.chart.axis.LogAxis
import org.jfree.chart.axis.NumberTick
import org.jfree.chart.ui.RectangleEdge
import org.jfree.chart.ui.TextAnchor
import java.awt.Graphics2D
import java.awt.geom.Rectangle2D
import java.util.Locale
import kotlin.math.floor
import kotlin.math.log10
import kotlin.math.pow

/** A horizontal axis with ticks at 1, 2 and 5 of each power of ten, told as the table tells them. */
internal class LogarithmicAxis(unit: String, least: Double, most: Double) : LogAxis(unit) {
    init {
        setRange(stepBelow(least), most * HEADROOM)
        isMinorTickMarksVisible = false
    }

    private fun stepBelow(value: Double): Double {
        val power = 10.0.pow(floor(log10(value)))
        return STEPS.map { it * power }.last { it <= value }
    }

    override fun refreshTicks(graphics: Graphics2D, state: AxisState, area: Rectangle2D, edge: RectangleEdge) =
        generateSequence(10.0.pow(floor(log10(range.lowerBound)))) { it * 10 }
            .takeWhile { it <= range.upperBound }
            .flatMap { power -> STEPS.map { it * power } }
            .filter { it in range.lowerBound..range.upperBound }
            .map { NumberTick(it, compact(it), TextAnchor.TOP_CENTER, TextAnchor.CENTER, 0.0) }
            .toList()

    private fun compact(value: Double): String = when {
        value >= 1e6 -> String.format(Locale.ROOT, "%.0f M", value / 1e6)
        value >= 1e3 -> String.format(Locale.ROOT, "%.0f k", value / 1e3)
        value >= 1 -> String.format(Locale.ROOT, "%.0f", value)
        else -> value.toFloat().toString()
    }

    private companion object {
        private val STEPS = listOf(1.0, 2.0, 5.0)
        private const val HEADROOM = 1.15
    }
}
