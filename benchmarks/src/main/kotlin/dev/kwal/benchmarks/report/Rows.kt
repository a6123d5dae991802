package dev.kwal.benchmarks.report

import dev.kwal.Durability.BUFFERED
import dev.kwal.Durability.SYNCED
import dev.kwal.Durability.WRITTEN
import dev.kwal.WalOptions
import dev.kwal.benchmarks.limits.frameBytes
import dev.kwal.benchmarks.load.Appends
import dev.kwal.benchmarks.load.CheckedPasses
import dev.kwal.benchmarks.load.CleanOpens
import dev.kwal.benchmarks.load.CrashOpens
import dev.kwal.benchmarks.load.Replays
import dev.kwal.benchmarks.load.Score
import dev.kwal.benchmarks.load.Side
import dev.kwal.benchmarks.load.StoreKind.GROWING_FILES
import dev.kwal.benchmarks.load.StoreKind.OKIO
import dev.kwal.benchmarks.load.ThreadKind
import dev.kwal.benchmarks.load.ThreadKind.PLATFORM
import dev.kwal.benchmarks.load.ThreadKind.VIRTUAL
import dev.kwal.benchmarks.load.batchWrites
import dev.kwal.benchmarks.load.coroutineAppends
import dev.kwal.benchmarks.load.memoryCopies
import dev.kwal.benchmarks.load.rawWrites
import dev.kwal.benchmarks.report.Measure.MILLISECONDS

/** What a score counts. */
internal enum class Measure(val title: String) { RECORDS("records/s"), MILLISECONDS("ms") }

/**
 * One line of the table: ours beside its limit.
 *
 * @property goal what the ratio of ours to the limit has to reach: at least, or at most if times are compared
 * @property absoluteGoal what ours has to reach whatever the limit is, in units of the measure
 * @property allocationGoal how many bytes of heap ours may take for each record
 */
internal class Comparison(
    val row: Int,
    val work: String,
    val level: String,
    val limitName: String,
    val goal: Double?,
    val absoluteGoal: Double? = null,
    val allocationGoal: Double? = null,
    val measure: Measure = Measure.RECORDS,
    val needsVirtual: Boolean = false,
    val limit: () -> Side,
    val ours: () -> Side,
)

/** The sizes that a run can choose. */
internal data class Sizes(
    val burstBytes: Long = 1L shl 30,
    val replayRecords: Long = 2_000_000,
    val openBytes: Long = 10L shl 30,
) {
    /** A sixteenth of everything that takes time to write. */
    fun quick() = Sizes(burstBytes / 16, replayRecords / 16, openBytes / 16)
}

/** All lines, in the order of the table. */
internal fun rows(sizes: Sizes): List<Comparison> =
    oneThread() + threads() + virtualThreads() + coroutines() + buffered(sizes) + written() + replay(sizes) +
        open(sizes) + large() + okio() + switches()

private fun oneThread() = listOf(
    Comparison(1, "1 thread", "synced", "raw write + force, preallocated", 0.95, limit = {
        rawWrites(256, preallocated = true, forced = true)
    }) { Appends(SYNCED).bySeconds() },
    Comparison(1, "1 thread", "synced", "raw write + force, extending", null, limit = {
        rawWrites(256, preallocated = false, forced = true)
    }) { Appends(SYNCED).bySeconds() },
)

private fun threads() = listOf(8, 64, 512).map { callers ->
    Comparison(2, "$callers threads", "synced", "batch writer", 0.9, limit = { batchWrites(callers, PLATFORM) }) {
        Appends(SYNCED, callers = callers).bySeconds()
    }
}

private fun virtualThreads() = listOf(64, 512).map { callers ->
    Comparison(
        3,
        "$callers virtual threads",
        "synced",
        "batch writer, virtual threads",
        0.85,
        needsVirtual = true,
        limit = { batchWrites(callers, VIRTUAL) },
    ) { Appends(SYNCED, callers = callers, kind = VIRTUAL).bySeconds() }
}

/** Platform threads would be a limit that coroutines leave far behind. */
private fun coroutines() = listOf(64, 512, 4096).map { callers ->
    Comparison(
        4,
        "$callers coroutines",
        "synced",
        "batch writer, virtual threads",
        0.85.takeIf { callers <= 512 },
        1e6.takeIf { callers > 512 },
        needsVirtual = true,
        limit = { batchWrites(callers, VIRTUAL) },
    ) { coroutineAppends(callers) }
}

private fun buffered(sizes: Sizes): List<Comparison> {
    val burst = Appends(
        BUFFERED,
        store = GROWING_FILES,
        options = WalOptions.DEFAULT.withBufferBytes(BURST_BUFFER_BYTES).withSegmentBytes(2 * sizes.burstBytes),
    )
    val size = "${sizes.burstBytes shr 20} MiB"
    return listOf(1, 4).map { callers ->
        val alone = callers == 1
        Comparison(
            5,
            "${if (alone) "1 thread" else "$callers threads"}, burst of $size",
            "buffered",
            "touched memory, copy + CRC32C",
            goal = null,
            absoluteGoal = 5e6.takeIf { alone },
            allocationGoal = 0.0.takeIf { alone },
            limit = { memoryCopies(callers, sizes.burstBytes) },
        ) { burst.copy(callers = callers).byBytes(sizes.burstBytes) }
    } + Comparison(5, "4 threads, burst of $size", "buffered", "the log itself, 1 thread", 1.2, limit = {
        burst.byBytes(sizes.burstBytes)
    }) { burst.copy(callers = 4).byBytes(sizes.burstBytes) } +
        Comparison(5, "1 thread, sustained", "buffered", "raw write, extending", null, limit = {
            rawWrites(256, preallocated = false, forced = false)
        }) { Appends(BUFFERED).bySeconds() }
}

private fun written() = listOf(false, true).map { preallocated ->
    val file = if (preallocated) "preallocated" else "extending"
    Comparison(6, "1 thread", "written", "raw write, $file", 1.0.takeIf { !preallocated }, limit = {
        rawWrites(256, preallocated, forced = false)
    }) { Appends(WRITTEN).bySeconds() }
}

private fun replay(sizes: Sizes) = listOf(false to 0.9, true to 1.3).map { (readAhead, goal) ->
    Comparison(
        7,
        if (readAhead) "the same, a second core ahead" else "replay, warm, cursor",
        "–",
        "one CRC32C per record, one core",
        goal,
        allocationGoal = 0.0,
        limit = { CheckedPasses(256, sizes.replayRecords) },
    ) { Replays(256, sizes.replayRecords, readAhead) }
}

private fun open(sizes: Sizes): List<Comparison> {
    val segmentBytes = sizes.openBytes / 160
    val large = sizes.openBytes shr 20
    val small = large / 10
    return listOf(
        Comparison(
            8,
            "open when closed, $large MiB",
            "–",
            "the same, $small MiB",
            goal = 1.25,
            absoluteGoal = 50.0,
            measure = MILLISECONDS,
            limit = { CleanOpens(small shl 20, segmentBytes) },
        ) { CleanOpens(large shl 20, segmentBytes) },
    ) + listOf(segmentBytes / 64, segmentBytes / 2).map { unprovenBytes ->
        Comparison(
            8,
            "open after crash, ${unprovenBytes shr 10} KiB unsynced",
            "–",
            "scan of one segment",
            goal = 1.0,
            measure = MILLISECONDS,
            limit = { scan(segmentBytes) },
        ) { CrashOpens(segmentBytes, unprovenBytes) }
    }
}

/** One pass over as many records of 4 KiB as one segment holds. */
private fun scan(segmentBytes: Long): Side = object : Side {
    private val passes = CheckedPasses(4096, segmentBytes / frameBytes(4096))

    override fun round(seconds: Double) = Score(passes.milliseconds())

    override fun close() = passes.close()
}

private fun large() = listOf(
    Comparison(9, "1 thread, 4 KiB", "synced", "raw write + force, preallocated", 0.95, limit = {
        rawWrites(4096, preallocated = true, forced = true)
    }) { Appends(SYNCED, recordBytes = 4096).bySeconds() },
    Comparison(9, "1 thread, 4 KiB", "synced", "raw write + force, extending", null, limit = {
        rawWrites(4096, preallocated = false, forced = true)
    }) { Appends(SYNCED, recordBytes = 4096).bySeconds() },
)

private fun okio() = listOf(1, 64).map { callers ->
    val threads = if (callers == 1) "1 thread" else "$callers threads"
    Comparison(10, "okio store, $threads", "synced", "the log on files", 0.8, limit = {
        Appends(SYNCED, callers = callers).bySeconds()
    }) { Appends(SYNCED, callers = callers, store = OKIO).bySeconds() }
}

/** Segments so small that more than one append in a thousand meets a switch. */
private fun switches() = listOf(
    Comparison(11, "p99.9, segments of 128 KiB", "synced", "the same, of 64 MiB", 2.0, measure = MILLISECONDS, limit = {
        Appends(SYNCED).slowest()
    }) { Appends(SYNCED, options = WalOptions.DEFAULT.withSegmentBytes(SWITCHING_SEGMENT_BYTES)).slowest() },
)

private const val BURST_BUFFER_BYTES = 64 shl 20
private const val SWITCHING_SEGMENT_BYTES = 128L shl 10
