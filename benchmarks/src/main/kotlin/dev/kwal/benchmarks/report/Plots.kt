package dev.kwal.benchmarks.report

import de.erichseifert.vectorgraphics2d.Processors
import de.erichseifert.vectorgraphics2d.VectorGraphics2D
import de.erichseifert.vectorgraphics2d.util.PageSize
import org.jfree.chart.ChartUtils
import org.jfree.chart.JFreeChart
import org.jfree.chart.axis.AxisLocation
import org.jfree.chart.axis.CategoryAxis
import org.jfree.chart.axis.NumberAxis
import org.jfree.chart.axis.ValueAxis
import org.jfree.chart.plot.CategoryPlot
import org.jfree.chart.plot.PlotOrientation
import org.jfree.chart.title.TextTitle
import org.jfree.chart.ui.HorizontalAlignment
import org.jfree.chart.ui.RectangleInsets
import org.jfree.data.category.DefaultCategoryDataset
import java.awt.Color
import java.awt.Font
import java.awt.geom.Rectangle2D
import java.io.FileOutputStream
import java.nio.file.Path

/** One coloured bar or dot of each line of a picture. */
private class Series(val title: String, val color: Color, val spread: (Measurement) -> Spread)

/**
 * The pictures of a run, with a line for each of the table: ratios as bars that begin at 0, and figures as dots, because
 * the length of a bar on a logarithmic axis says nothing.
 */
internal class Plots(private val run: Run) {
    fun write(directory: Path) {
        val ratio = Series("ours ÷ limit", OURS) { it.ratio }
        val ours = Series("ours", OURS) { it.oursSpread }
        val limit = Series("limit", LIMIT) { it.limitSpread }
        val synced = records(1..4) + records(9..10)
        val times = run.measurements.filter { it.comparison.measure == Measure.MILLISECONDS }
        val axis = "records/s, logarithmic, more is better"
        val timeAxis = "ms, logarithmic, less is better"
        plot(directory.resolve("ratios"), "Ours against the limit", "ratio, more is better", records(1..10), ratio)
        plot(directory.resolve("synced"), "Synced appends", axis, synced, ours, limit)
        plot(directory.resolve("unsynced"), "Buffered and written appends, replay", axis, records(5..7), ours, limit)
        plot(directory.resolve("times"), "Opening, and the slowest appends", timeAxis, times, ours, limit)
    }

    private fun records(rows: IntRange) =
        run.measurements.filter { it.comparison.row in rows && it.comparison.measure == Measure.RECORDS }

    private fun plot(file: Path, title: String, unit: String, measurements: List<Measurement>, vararg series: Series) {
        if (measurements.isEmpty()) return
        val bars = DefaultCategoryDataset()
        for (one in series) {
            for (measurement in measurements) {
                bars.addValue(one.spread(measurement).median, one.title, label(measurement, series.size))
            }
        }
        val single = series.size == 1
        val spreads = series.map { measurements.map(it.spread) }
        val axis = if (single) NumberAxis(unit) else logarithmic(unit, spreads.flatten())
        val whiskers = Whiskers(spreads, measurements.map { it.comparison.goal.takeIf { single } }, hasBars = single)
        series.forEachIndexed { index, one -> whiskers.setSeriesPaint(index, one.color) }
        val height = HEAD_PIXELS + measurements.size * (if (single) 22 else 36)
        save(chart(title, bars, axis, whiskers, single), file, height)
    }

    private fun chart(
        title: String,
        bars: DefaultCategoryDataset,
        axis: ValueAxis,
        whiskers: Whiskers,
        single: Boolean,
    ): JFreeChart {
        val names = CategoryAxis()
        names.maximumCategoryLabelWidthRatio = 0.6f
        names.tickLabelFont = SMALL
        names.categoryMargin = 0.25
        axis.tickLabelFont = SMALL
        axis.labelFont = SMALL
        val plot = CategoryPlot(bars, names, axis, whiskers)
        plot.orientation = PlotOrientation.HORIZONTAL
        plot.rangeAxisLocation = AxisLocation.BOTTOM_OR_LEFT
        plot.backgroundPaint = Color.WHITE
        plot.rangeGridlinePaint = Color(0xD0D0D0)
        val chart = JFreeChart(title, Font(Font.SANS_SERIF, Font.BOLD, 16), plot, true)
        chart.backgroundPaint = Color.WHITE
        chart.padding = RectangleInsets(4.0, 4.0, 4.0, 24.0)
        chart.legend.itemFont = SMALL
        val mark = if (single) "Bars" else "Dots"
        val key =
            "$mark: medians of ${run.rounds} rounds. Lines: least to most." + if (single) " Red: to reach." else ""
        val quick = if (run.quick) " Quick run on a busy machine: these figures say nothing." else ""
        chart.addSubtitle(TextTitle(key + quick, SMALL).also { it.horizontalAlignment = HorizontalAlignment.CENTER })
        return chart
    }

    private fun logarithmic(unit: String, spreads: List<Spread>) =
        LogarithmicAxis(unit, spreads.minOf { it.least }, spreads.maxOf { it.most })

    private fun save(chart: JFreeChart, file: Path, height: Int) {
        val page = VectorGraphics2D()
        chart.draw(page, Rectangle2D.Double(0.0, 0.0, WIDTH_PIXELS.toDouble(), height.toDouble()))
        FileOutputStream("$file.svg").use { out ->
            val size = PageSize(0.0, 0.0, WIDTH_PIXELS.toDouble(), height.toDouble())
            Processors.get("svg").getDocument(page.commands, size).writeTo(out)
        }
        if (java.lang.Boolean.getBoolean("kwal.benchmark.png")) {
            ChartUtils.saveChartAsPNG(file.resolveSibling("${file.fileName}.png").toFile(), chart, WIDTH_PIXELS, height)
        }
    }

    private fun label(measurement: Measurement, seriesCount: Int) = with(measurement.comparison) {
        val whole = if (level in listOf("–", "synced")) "$row: $work" else "$row: $work, $level"
        if (seriesCount == 1) "$whole ÷ $limitName" else "$whole; limit: $limitName"
    }

    private companion object {
        private const val WIDTH_PIXELS = 1000
        private const val HEAD_PIXELS = 150
        private val SMALL = Font(Font.SANS_SERIF, Font.PLAIN, 12)
        private val OURS = Color(0x1F77B4)
        private val LIMIT = Color(0x808080)
    }
}
