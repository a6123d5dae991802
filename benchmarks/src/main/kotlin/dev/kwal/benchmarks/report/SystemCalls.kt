package dev.kwal.benchmarks.report

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.benchmarks.load.Callers
import dev.kwal.benchmarks.load.HOUR
import dev.kwal.benchmarks.load.Operation
import dev.kwal.benchmarks.load.Scratch
import dev.kwal.benchmarks.load.StoreKind
import dev.kwal.benchmarks.load.recordOf
import dev.kwal.coroutines.asSuspending
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.Path

/** Appends of one kind, whose system calls are counted. */
private enum class Case(
    val title: String,
    val level: Durability,
    val operations: Int,
    val callers: Int = 1,
    val coroutines: Boolean = false,
    val store: StoreKind = StoreKind.FILES,
) {
    BUFFERED("buffered, 1 thread", Durability.BUFFERED, 50_000),
    WRITTEN("written, 1 thread", Durability.WRITTEN, 5_000),
    SYNCED("synced, 1 thread", Durability.SYNCED, 2_000),
    SYNCED_64("synced, 64 threads", Durability.SYNCED, 6_400, callers = 64),
    COROUTINES_64("synced, 64 coroutines", Durability.SYNCED, 6_400, callers = 64, coroutines = true),
    OKIO("synced, 1 thread, okio store", Durability.SYNCED, 2_000, store = StoreKind.OKIO),
}

/**
 * Counts the system calls of one append at each level, by strace, and writes them into `docs/performance.md`.
 *
 * Each case runs twice in a process of its own, once with twice as many appends. The difference is what the appends
 * cost, without starting, opening and closing.
 */
internal object SystemCalls {
    private val COUNTED = listOf(
        "pwrite64",
        "pwritev",
        "pwritev2",
        "write",
        "writev",
        "pread64",
        "fdatasync",
        "fsync",
        "msync",
        "fallocate",
        "ftruncate",
        "futex",
    )

    @JvmStatic
    fun main(arguments: Array<String>) {
        if (arguments.size == 2) {
            append(Case.valueOf(arguments[0]), arguments[1].toInt())
        } else {
            val table = table()
            println(table)
            insert(Path.of(arguments.singleOrNull() ?: "docs").resolve("performance.md"), "system calls", table)
        }
    }

    private fun table(): String = buildString {
        val counts = Case.entries.associateWith(::perAppend)
        val names = COUNTED.filter { name -> counts.values.any { (it[name] ?: 0.0) >= LEAST_SHOWN } }
        appendLine("| append | ${names.joinToString(" | ")} |")
        appendLine("|---|${"---|".repeat(names.size)}")
        for ((case, calls) in counts) {
            appendLine("| ${case.title} | ${names.joinToString(" | ") { number(calls[it] ?: 0.0, 3) }} |")
        }
    }

    private fun perAppend(case: Case): Map<String, Double> {
        val once = trace(case, case.operations)
        val twice = trace(case, case.operations * 2)
        return COUNTED.associateWith { name ->
            ((twice[name] ?: 0) - (once[name] ?: 0)).coerceAtLeast(0).toDouble() / case.operations
        }
    }

    private fun trace(case: Case, operations: Int): Map<String, Long> = Scratch.use("system-calls") { directory ->
        val counts = directory.resolve("counts")
        val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
        val command = listOf("strace", "-f", "-c", "-e", "trace=" + COUNTED.joinToString(","), "-o", "$counts") +
            listOf(java, "-Dkwal.benchmark.directory=$directory", "-cp", System.getProperty("java.class.path")) +
            listOf(SystemCalls::class.java.name, case.name, "$operations")
        val status = ProcessBuilder(command).inheritIO().start().waitFor()
        check(status == 0) { "strace of ${case.name} ended with status $status" }
        parse(Files.readAllLines(counts))
    }

    /** Lines such as `72.00 0.000018 18 1 fsync`, the errors between the calls and the name where there are any. */
    internal fun parse(lines: List<String>): Map<String, Long> = lines
        .map { it.trim().split(Regex("\\s+")) }
        .filter { it.size >= 5 && it.last() in COUNTED }
        .associate { it.last() to it[3].toLong() }

    private fun append(case: Case, operations: Int) {
        val each = operations / case.callers
        Scratch.use("log") { directory ->
            Wal.open(case.store.store(directory), WalOptions.DEFAULT).use { log ->
                if (case.coroutines) appendByCoroutines(log, case, each) else appendByThreads(log, case, each)
            }
        }
    }

    private fun appendByThreads(log: Wal, case: Case, each: Int) {
        Callers(case.callers).work(HOUR, each.toLong()) {
            val record = ByteBuffer.wrap(recordOf(RECORD_BYTES))
            Operation { log.append(record.clear(), case.level) }
        }
    }

    private fun appendByCoroutines(log: Wal, case: Case, each: Int) {
        val suspending = log.asSuspending()
        val record = recordOf(RECORD_BYTES)
        runBlocking(Dispatchers.Default) {
            repeat(case.callers) { launch { repeat(each) { suspending.append(record, case.level) } } }
        }
        runBlocking { suspending.close() }
    }

    private const val RECORD_BYTES = 256
    private const val LEAST_SHOWN = 0.0005
}
