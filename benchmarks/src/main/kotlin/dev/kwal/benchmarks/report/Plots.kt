package dev.kwal.benchmarks.report

import org.knowm.xchart.BitmapEncoder
import org.knowm.xchart.CategoryChart
import org.knowm.xchart.CategoryChartBuilder
import org.knowm.xchart.CategorySeries.CategorySeriesRenderStyle
import org.knowm.xchart.VectorGraphicsEncoder
import org.knowm.xchart.style.Styler
import org.knowm.xchart.style.markers.SeriesMarkers
import java.awt.Color
import java.awt.Font
import java.nio.file.Path

/** The pictures of a run. */
internal class Plots(private val run: Run) {
    fun write(directory: Path) {
        plot(directory, "ratios", "Ratio to the limit (records/s: more is better)", "ratio", records(1..10), ::ratios)
        plot(directory, "synced", "Synced appends", "records/s, logarithmic", records(1..4) + records(9..10), ::scores)
        plot(directory, "unsynced", "Buffered and written appends, replay", "records/s, logarithmic", records(5..7), ::scores)
        plot(directory, "times", "Opening, and the slowest appends (less is better)", "ms, logarithmic", times(), ::scores)
    }

    private fun records(rows: IntRange) =
        run.measurements.filter { it.comparison.row in rows && it.comparison.measure == Measure.RECORDS }

    private fun times() = run.measurements.filter { it.comparison.measure == Measure.MILLISECONDS }

    private fun plot(
        directory: Path,
        name: String,
        title: String,
        unit: String,
        measurements: List<Measurement>,
        draw: (CategoryChart, List<Measurement>) -> kotlin.Unit,
    ) {
        if (measurements.isEmpty()) return
        val chart = CategoryChartBuilder()
            .width(maxOf(640, 120 + measurements.size * 62))
            .height(640)
            .title(title)
            .xAxisTitle("row: work, against its limit")
            .yAxisTitle(unit)
            .build()
        style(chart)
        draw(chart, measurements)
        val file = directory.resolve(name).toString()
        VectorGraphicsEncoder.saveVectorGraphic(chart, file, VectorGraphicsEncoder.VectorGraphicsFormat.SVG)
        if (java.lang.Boolean.getBoolean("kwal.benchmark.png")) {
            BitmapEncoder.saveBitmap(chart, file, BitmapEncoder.BitmapFormat.PNG)
        }
    }

    private fun style(chart: CategoryChart) = with(chart.styler) {
        isLegendVisible = true
        legendPosition = Styler.LegendPosition.OutsideS
        legendLayout = Styler.LegendLayout.Horizontal
        legendBorderColor = Color.WHITE
        chartBackgroundColor = Color.WHITE
        plotGridLinesColor = Color(0xE0E0E0)
        isPlotGridVerticalLinesVisible = false
        setXAxisLabelRotation(60)
        chartTitleFont = Font(Font.SANS_SERIF, Font.BOLD, 16)
        axisTitleFont = Font(Font.SANS_SERIF, Font.PLAIN, 13)
        axisTickLabelsFont = Font(Font.SANS_SERIF, Font.PLAIN, 11)
        legendFont = Font(Font.SANS_SERIF, Font.PLAIN, 13)
        seriesColors = arrayOf(OURS, LIMIT)
    }

    /** Bars of the medians, with lines from the least to the most. */
    private fun scores(chart: CategoryChart, measurements: List<Measurement>) {
        chart.styler.isYAxisLogarithmic = true
        val names = measurements.map(::label)
        bars(chart, "ours, median", names, measurements.map { it.oursSpread })
        bars(chart, "limit, median", names, measurements.map { it.limitSpread })
        val values = measurements.flatMap { listOf(it.oursSpread.least, it.limitSpread.least) }
        val least = values.min()
        chart.styler.yAxisMin = Math.pow(10.0, Math.floor(Math.log10(least)))
    }

    private fun bars(chart: CategoryChart, title: String, names: List<String>, spreads: List<Spread>) {
        chart.addSeries(title, names, spreads.map { it.median }, spreads.map { (it.most - it.least) / 2 })
    }

    private fun ratios(chart: CategoryChart, measurements: List<Measurement>) {
        val names = measurements.map(::label)
        chart.styler.yAxisMin = 0.0
        bars(chart, "ours / limit, median", names, measurements.map { it.ratio })
        val goals = chart.addSeries("to reach", names, measurements.map { it.comparison.goal ?: Double.NaN })
        goals.chartCategorySeriesRenderStyle = CategorySeriesRenderStyle.Stick
        goals.markerColor = GOAL
        goals.lineColor = GOAL
        goals.marker = SeriesMarkers.DIAMOND
    }

    private fun label(measurement: Measurement) =
        with(measurement.comparison) { "$row: $work ÷ ${limitName.substringBefore(',')}" }

    private companion object {
        private val OURS = Color(0x1F77B4)
        private val LIMIT = Color(0xBBBBBB)
        private val GOAL = Color(0xD62728)
    }
}
