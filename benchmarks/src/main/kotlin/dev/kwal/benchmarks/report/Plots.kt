package dev.kwal.benchmarks.report

import de.erichseifert.vectorgraphics2d.Processors
import de.erichseifert.vectorgraphics2d.VectorGraphics2D
import de.erichseifert.vectorgraphics2d.util.PageSize
import org.jfree.chart.ChartUtils
import org.jfree.chart.JFreeChart
import org.jfree.chart.axis.AxisLocation
import org.jfree.chart.axis.CategoryAxis
import org.jfree.chart.axis.LogAxis
import org.jfree.chart.axis.NumberAxis
import org.jfree.chart.axis.ValueAxis
import org.jfree.chart.plot.CategoryPlot
import org.jfree.chart.plot.PlotOrientation
import org.jfree.chart.title.TextTitle
import org.jfree.chart.ui.HorizontalAlignment
import org.jfree.data.category.DefaultCategoryDataset
import java.awt.Color
import java.awt.Font
import java.awt.geom.Rectangle2D
import java.io.FileOutputStream
import java.nio.file.Path
import java.text.FieldPosition
import java.text.NumberFormat
import java.text.ParsePosition
import java.util.Locale
import kotlin.math.floor
import kotlin.math.log10
import kotlin.math.pow

/** One coloured bar of each line of a picture. */
private class Series(val title: String, val color: Color, val spread: (Measurement) -> Spread)

/** The pictures of a run: horizontal bars, one group for each line of the table. */
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
                bars.addValue(one.spread(measurement).median, one.title, label(measurement))
            }
        }
        val single = series.size == 1
        val spreads = series.map { measurements.map(it.spread) }
        val axis = if (single) NumberAxis(unit) else logarithmic(unit, spreads.flatten())
        val whiskers = Whiskers(spreads, measurements.map { it.comparison.goal.takeIf { single } })
        series.forEachIndexed { index, one -> whiskers.setSeriesPaint(index, one.color) }
        if (!single) whiskers.base = axis.range.lowerBound
        val height = HEAD_PIXELS + measurements.size * (if (single) 22 else 34)
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
        chart.legend.itemFont = SMALL
        val key = "Bars: medians of ${run.rounds} rounds. Lines: least to most." + if (single) " Red: to reach." else ""
        val quick = if (run.quick) " Quick run on a busy machine: these figures say nothing." else ""
        chart.addSubtitle(TextTitle(key + quick, SMALL).also { it.horizontalAlignment = HorizontalAlignment.CENTER })
        return chart
    }

    private fun logarithmic(unit: String, spreads: List<Spread>) = LogAxis(unit).apply {
        base = 10.0
        val least = 10.0.pow(floor(log10(spreads.minOf { it.least })))
        setRange(least, spreads.maxOf { it.most } * 1.3)
        numberFormatOverride = Compact()
        isMinorTickMarksVisible = true
    }

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

    private fun label(measurement: Measurement) =
        with(measurement.comparison) { "$row: $work ÷ $limitName" }

    /** 100, 10 k, 1 M: as the table says it. */
    private class Compact : NumberFormat() {
        override fun format(number: Double, to: StringBuffer, position: FieldPosition): StringBuffer = to.append(
            when {
                number >= 1e6 -> String.format(Locale.ROOT, "%.0f M", number / 1e6)
                number >= 1e3 -> String.format(Locale.ROOT, "%.0f k", number / 1e3)
                number >= 1 -> String.format(Locale.ROOT, "%.0f", number)
                else -> number.toFloat().toString()
            },
        )

        override fun format(number: Long, to: StringBuffer, position: FieldPosition) =
            format(number.toDouble(), to, position)

        override fun parse(source: String, position: ParsePosition): Number = source.toDouble()
    }

    private companion object {
        private const val WIDTH_PIXELS = 1000
        private const val HEAD_PIXELS = 150
        private val SMALL = Font(Font.SANS_SERIF, Font.PLAIN, 12)
        private val OURS = Color(0x1F77B4)
        private val LIMIT = Color(0xB0B0B0)
    }
}
