package dev.kwal.benchmarks.report

import dev.kwal.benchmarks.load.Score
import java.nio.file.Files
import java.nio.file.Path
import java.util.Locale

private const val HEADER =
    "| # | work | level | ours: median (min–max) | limit | limit: median (min–max) | ratio: median (min–max) " +
        "| to reach | B/op |"
private const val RULE = "|---|---|---|---|---|---|---|---|---|"

/** The table of a run, with the machine above it. */
internal fun markdown(run: Run): String = buildString {
    appendLine("Measured on: ${run.machine}")
    appendLine()
    val quick = if (run.quick) QUICK else ""
    appendLine("${run.rounds} rounds of ${run.seconds} s each, in turn, after one to warm up.$quick")
    appendLine()
    appendLine(HEADER)
    appendLine(RULE)
    run.measurements.forEach { appendLine(it.line(judged = !run.quick)) }
    for (row in run.skipped) {
        appendLine("| ${row.row} | ${row.work} | ${row.level} | needs JDK 21 | ${row.limitName} | – | – | – | – |")
    }
}

private const val QUICK =
    " **A quick run, on a busy machine: it shows that the rows work. The figures say nothing.**"

/** One line of the table. A judged one says whether its goals are reached. */
internal fun Measurement.line(judged: Boolean): String {
    val unit = comparison.measure
    val bytes = allocatedPerOperation?.let { number(it) } ?: "–"
    return "| ${comparison.row} | ${comparison.work} | ${comparison.level} | ${unit.tell(oursSpread)} | " +
        "${comparison.limitName} | ${unit.tell(limitSpread)} | ${number(ratio.median, 2)} " +
        "(${number(ratio.least, 2)}–${number(ratio.most, 2)}) | ${goals(judged)} | $bytes |"
}

private fun Measurement.goals(judged: Boolean): String {
    val sign = if (comparison.measure == Measure.MILLISECONDS) "≤" else "≥"
    val goals = listOfNotNull(
        comparison.goal?.let { "$sign ${number(it, 2)}" },
        comparison.absoluteGoal?.let { "$sign ${comparison.measure.tell(it)}" },
        comparison.allocationGoal?.let { "${number(it, 0)} B/op" },
    )
    val mark = if (!judged) {
        ""
    } else if (reached == true) {
        " ✓"
    } else {
        " ✗"
    }
    return if (goals.isEmpty()) "–" else goals.joinToString(", ") + mark
}

private fun Measure.tell(spread: Spread) = "${tell(spread.median)} (${bare(spread.least)}–${bare(spread.most)})"

private fun Measure.tell(value: Double) = if (this == Measure.RECORDS) "${bare(value)}/s" else "${bare(value)} ms"

private fun Measure.bare(value: Double) = when {
    this == Measure.MILLISECONDS -> number(value, 2)
    value >= 1e6 -> number(value / 1e6, 2) + " M"
    value >= 1e3 -> number(value / 1e3, 1) + " k"
    else -> number(value, 0)
}

internal fun number(value: Double, digits: Int = 1): String = String.format(Locale.ROOT, "%.${digits}f", value)

/** Everything that was measured, round by round. */
internal fun json(run: Run): String = buildString {
    val machine = run.machine
    appendLine("{")
    appendLine("  \"machine\": {")
    appendLine("    \"date\": ${quote(machine.date)}, \"cores\": ${machine.cores},")
    appendLine("    \"processor\": ${quote(machine.processor)},")
    appendLine("    \"jdk\": ${quote(machine.jdk)}, \"kernel\": ${quote(machine.kernel)},")
    appendLine("    \"fileSystem\": ${quote(machine.fileSystem)}")
    appendLine("  },")
    appendLine("  \"rounds\": ${run.rounds}, \"seconds\": ${run.seconds}, \"quick\": ${run.quick},")
    appendLine("  \"comparisons\": [")
    appendLine(run.measurements.joinToString(",\n") { it.json() })
    appendLine("  ]")
    appendLine("}")
}

private fun Measurement.json() = with(comparison) {
    """
    |    {
    |      "row": $row, "work": ${quote(work)}, "level": ${quote(level)}, "limit": ${quote(limitName)},
    |      "unit": ${quote(measure.title)}, "goal": $goal, "absoluteGoal": $absoluteGoal,
    |      "allocationGoal": $allocationGoal, "reached": $reached,
    |      "ours": ${list(this@json.ours)},
    |      "limits": ${list(this@json.limit)},
    |      "ratio": ${number(ratio.median, 4)}, "allocatedPerOperation": $allocatedPerOperation
    |    }
    """.trimMargin()
}

private fun Measurement.list(scores: List<Score>) =
    scores.joinToString(", ", "[", "]") { number(it.value, if (comparison.measure == Measure.RECORDS) 0 else 4) }

private fun quote(text: String) = "\"${text.replace("\\", "\\\\").replace("\"", "\\\"")}\""

/** Puts [text] between two markers of a file that has them, and leaves everything else as it is. */
internal fun insert(file: Path, marker: String, text: String) {
    val begin = "<!-- $marker: begin -->"
    val end = "<!-- $marker: end -->"
    val old = Files.readString(file)
    check(begin in old && end in old) { "$file has no markers $begin and $end" }
    val new = old.substringBefore(begin) + begin + "\n\n" + text.trim() + "\n\n" + end + old.substringAfter(end)
    Files.writeString(file, new)
}
