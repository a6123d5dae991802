package dev.kwal.benchmarks.report

import dev.kwal.benchmarks.load.Score
import dev.kwal.benchmarks.load.side
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldEndWith
import io.kotest.matchers.string.shouldStartWith
import java.nio.file.Files

/** The report runs and writes, and judges what it measured as it says. No figure is looked at. */
class ReportSpec :
    StringSpec({
        "rows are measured, and table, rounds and pictures are written" {
            val docs = tempdir().toPath()
            val text = docs.resolve("performance.md")
            Files.writeString(text, "before\n<!-- table: begin -->\nold\n<!-- table: end -->\nafter\n")
            val arguments = "--quick --rows 7,8 --rounds 2 --seconds 0.01 --replay-records 1000 --open-mib 10"
            Report.write(Report.run(Options.parse(arguments.split(' ').toTypedArray()).shouldNotBeNull()), docs)

            val written = Files.readString(text)
            written shouldStartWith "before\n<!-- table: begin -->\n"
            written shouldEndWith "<!-- table: end -->\nafter\n"
            written.lines().filter { Regex("""\| \d.*""").matches(it) }.map { it.split(" | ")[0] } shouldContainExactly
                listOf("| 7", "| 7", "| 8", "| 8", "| 8")
            Regex(""""row": (\d+)""").findAll(Files.readString(docs.resolve("performance.json")))
                .map { it.groupValues[1].toInt() }.toList() shouldContainExactly listOf(7, 7, 8, 8, 8)
            for (plot in listOf("ratios", "unsynced", "times")) {
                Files.readString(docs.resolve("plots/$plot.svg")) shouldContain "<svg"
            }
        }

        "arguments that make no sense are refused" {
            Options.parse(arrayOf("--rows")).shouldBeNull()
            Options.parse(arrayOf("--rows", "one")).shouldBeNull()
            Options.parse(arrayOf("--row", "1")).shouldBeNull()
            Options.parse(arrayOf("--rows", "1, 2")).shouldNotBeNull().rows shouldBe setOf(1, 2)
        }

        "a spread is the median, the least and the most" {
            Spread.of(listOf(3.0, 1.0, 2.0)) shouldBe Spread(2.0, 1.0, 3.0)
            Spread.of(listOf(4.0, 1.0, 2.0, 8.0)) shouldBe Spread(3.0, 1.0, 8.0)
        }

        "a rate reaches its goals from above, a time from below, and nothing may be missed" {
            measurement(Measure.RECORDS, 9.0, 10.0, goal = 0.9).reached shouldBe true
            measurement(Measure.RECORDS, 8.9, 10.0, goal = 0.9).reached shouldBe false
            measurement(Measure.RECORDS, 9.0, 10.0, goal = 0.9, absoluteGoal = 9.1).reached shouldBe false
            measurement(Measure.MILLISECONDS, 9.0, 10.0, goal = 0.9).reached shouldBe true
            measurement(Measure.MILLISECONDS, 9.1, 10.0, goal = 0.9).reached shouldBe false
            measurement(Measure.RECORDS, 9.0, 10.0, allocationGoal = 0.0).reached shouldBe false
            measurement(Measure.RECORDS, 9.0, 10.0).reached.shouldBeNull()
        }

        "the ratio is that of neighbours in time" {
            val ours = listOf(10.0, 1.0, 1.0).map { Score(it) }
            val limit = listOf(20.0, 2.0, 1.0).map { Score(it) }
            Measurement(comparison(Measure.RECORDS), ours, limit).ratio shouldBe Spread(0.5, 0.5, 1.0)
        }

        "sides take turns, and the first round of each does not count" {
            val rounds = mutableListOf<String>()
            val measured = Comparison(
                1,
                "work",
                "level",
                "limit",
                goal = null,
                limit = { side { Score(1.0).also { rounds += "limit" } } },
            ) { side { Score(rounds.size.toDouble()).also { rounds += "ours" } } }.measured(2, 0.0)
            rounds shouldContainExactly List(3) { listOf("ours", "limit") }.flatten()
            measured.ours.map { it.value } shouldContainExactly listOf(2.0, 4.0)
        }

        "counts of system calls are read with and without errors among them" {
            val lines = listOf(
                "% time     seconds  usecs/call     calls    errors syscall",
                " 72.00    0.000018          18         7           fdatasync",
                " 28.00    0.000007           7        11         3 futex",
                "100.00    0.000025                    18         3 total",
            )
            SystemCalls.parse(lines) shouldBe mapOf("fdatasync" to 7L, "futex" to 11L)
        }
    })

private fun comparison(
    measure: Measure,
    goal: Double? = null,
    absoluteGoal: Double? = null,
    allocationGoal: Double? = null,
) = Comparison(
    1,
    "work",
    "level",
    "limit",
    goal,
    absoluteGoal,
    allocationGoal,
    measure,
    limit = { side { Score(1.0) } },
) { side { Score(1.0) } }

private fun measurement(
    measure: Measure,
    ours: Double,
    limit: Double,
    goal: Double? = null,
    absoluteGoal: Double? = null,
    allocationGoal: Double? = null,
) = Measurement(
    comparison(measure, goal, absoluteGoal, allocationGoal),
    listOf(Score(ours, allocatedPerOperation = 1.0)),
    listOf(Score(limit)),
)
