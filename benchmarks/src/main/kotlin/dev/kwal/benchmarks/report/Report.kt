package dev.kwal.benchmarks.report

import dev.kwal.benchmarks.load.ThreadKind
import java.nio.file.Files
import java.nio.file.Path
import kotlin.system.exitProcess

/** One whole run. */
internal class Run(
    val machine: Machine,
    val rounds: Int,
    val seconds: Double,
    val quick: Boolean,
    val measurements: List<Measurement>,
    val skipped: List<Comparison>,
)

/**
 * Runs rows of the table in `docs/performance.md`, each beside its limit, and writes what came out: the table between
 * its markers, all rounds as JSON, and plots.
 */
internal object Report {
    private const val USAGE = """
        usage: Report [--quick] [--rows 1,2,7] [--rounds 7] [--seconds 1.5] [--burst-mib 1024]
                      [--replay-records 2000000] [--open-mib 10240] [--docs docs] [--print-only]
        --quick        3 rounds of 0.3 s and a sixteenth of the sizes, to see that everything works
        --docs         where performance.md and the directory plots are; it has to be there
        --print-only   writes no files
        Files live in the directory of -Dkwal.benchmark.directory, by default target.
    """

    @JvmStatic
    fun main(arguments: Array<String>) {
        val options = Options.parse(arguments)
        if (options == null) {
            System.err.println(USAGE.trimIndent())
            exitProcess(2)
        }
        val run = run(options)
        println()
        println(markdown(run))
        if (!options.printOnly) write(run, options.docs)
        exitProcess(0)
    }

    /** Needs `performance.md` in [docs] with its markers. */
    internal fun write(run: Run, docs: Path) {
        val plots = Files.createDirectories(docs.resolve("plots"))
        insert(docs.resolve("performance.md"), "table", markdown(run))
        Files.writeString(docs.resolve("performance.json"), json(run))
        Plots(run).write(plots)
    }

    internal fun run(options: Options): Run {
        val machine = Machine.here()
        println(machine)
        val wanted = rows(options.sizes).filter { options.rows.isEmpty() || it.row in options.rows }
        val (possible, skipped) = wanted.partition { !it.needsVirtual || ThreadKind.hasVirtual }
        val measurements = possible.map { comparison ->
            comparison.measured(options.rounds, options.seconds).also { println(it.line(judged = !options.quick)) }
        }
        return Run(machine, options.rounds, options.seconds, options.quick, measurements, skipped)
    }
}

internal data class Options(
    val quick: Boolean = false,
    val rows: Set<Int> = emptySet(),
    val rounds: Int = 7,
    val seconds: Double = 1.5,
    val sizes: Sizes = Sizes(),
    val docs: Path = Path.of("docs"),
    val printOnly: Boolean = false,
) {
    companion object {
        /** Null if the arguments make no sense. */
        fun parse(arguments: Array<String>): Options? {
            var options = Options()
            if ("--quick" in arguments) {
                options = options.copy(quick = true, rounds = 3, seconds = 0.3, sizes = Sizes().quick())
            }
            val rest = arguments.filter { it != "--quick" }.iterator()
            return try {
                while (rest.hasNext()) options = options.with(rest.next()) { rest.next() }
                options
            } catch (_: NoSuchElementException) {
                null
            } catch (_: NumberFormatException) {
                null
            }
        }
    }

    private fun with(name: String, value: () -> String): Options = when (name) {
        "--rows" -> copy(rows = value().split(',').map { it.trim().toInt() }.toSet())
        "--rounds" -> copy(rounds = value().toInt())
        "--seconds" -> copy(seconds = value().toDouble())
        "--burst-mib" -> copy(sizes = sizes.copy(burstBytes = value().toLong() shl 20))
        "--replay-records" -> copy(sizes = sizes.copy(replayRecords = value().toLong()))
        "--open-mib" -> copy(sizes = sizes.copy(openBytes = value().toLong() shl 20))
        "--docs" -> copy(docs = Path.of(value()))
        "--print-only" -> copy(printOnly = true)
        else -> throw NoSuchElementException("unknown argument $name")
    }
}
