package dev.kwal.benchmarks.report

import org.jfree.chart.axis.CategoryAxis
import org.jfree.chart.axis.ValueAxis
import org.jfree.chart.plot.CategoryPlot
import org.jfree.chart.renderer.category.BarRenderer
import org.jfree.chart.renderer.category.CategoryItemRendererState
import org.jfree.chart.renderer.category.StandardBarPainter
import org.jfree.data.Range
import org.jfree.data.category.CategoryDataset
import java.awt.BasicStroke
import java.awt.Color
import java.awt.Graphics2D
import java.awt.geom.Ellipse2D
import java.awt.geom.Line2D
import java.awt.geom.Rectangle2D

/** Horizontal bars or dots, a line over each from the least to the most, and a red one where its goal is. */
internal class Whiskers(
    private val spreads: List<List<Spread>>,
    private val goals: List<Double?>,
    private val hasBars: Boolean,
) : BarRenderer() {
    init {
        barPainter = StandardBarPainter()
        setShadowVisible(false)
        itemMargin = 0.0
    }

    override fun findRangeBounds(dataset: CategoryDataset): Range {
        val most = (spreads.flatten().map { it.most } + goals.filterNotNull()).max()
        return Range(0.0, most)
    }

    override fun drawItem(
        graphics: Graphics2D,
        state: CategoryItemRendererState,
        area: Rectangle2D,
        plot: CategoryPlot,
        names: CategoryAxis,
        values: ValueAxis,
        dataset: CategoryDataset,
        row: Int,
        column: Int,
        pass: Int,
    ) {
        if (hasBars) super.drawItem(graphics, state, area, plot, names, values, dataset, row, column, pass)
        val top = calculateBarW0(plot, plot.orientation, area, names, state, row, column)
        val bottom = top + state.barWidth
        fun x(value: Double) = values.valueToJava2D(value, area, plot.rangeAxisEdge)
        val middle = (top + bottom) / 2
        val spread = spreads[row][column]
        graphics.stroke = BasicStroke(if (hasBars) 1.2f else 1.8f)
        graphics.paint = if (hasBars) Color.BLACK else getSeriesPaint(row)
        graphics.draw(Line2D.Double(x(spread.least), middle, x(spread.most), middle))
        for (end in listOf(spread.least, spread.most)) {
            graphics.draw(Line2D.Double(x(end), middle - 3, x(end), middle + 3))
        }
        if (!hasBars) graphics.fill(Ellipse2D.Double(x(spread.median) - 5, middle - 5, 10.0, 10.0))
        goals[column]?.let { goal ->
            graphics.stroke = BasicStroke(3f)
            graphics.paint = Color(0xD62728)
            graphics.draw(Line2D.Double(x(goal), top - 1, x(goal), bottom + 1))
        }
    }
}
