package dev.kwal.samples.importer

import java.io.PrintStream
import java.util.Locale
import kotlin.time.DurationUnit
import kotlin.time.TimeMark
import kotlin.time.TimeSource

/**
 * Tells how far the work has come, in whole lines that read as well in a file as on a terminal. Says nothing while there
 * is little to tell.
 *
 * Threads: one at a time.
 *
 * @param done what was done to the records: *imported*
 */
internal class Progress(
    private val done: String,
    private val out: PrintStream,
    clock: TimeSource = TimeSource.Monotonic,
) {
    private val begin: TimeMark = clock.markNow()
    private var nextBytes = STEP_BYTES

    var records = 0L
        private set
    var bytes = 0L
        private set

    /** One record more, that stands for so many bytes outside the log. */
    fun add(length: Int) {
        records++
        bytes += length
        if (bytes < nextBytes) return
        nextBytes = bytes + STEP_BYTES
        out.println("$done so far: $this")
    }

    fun end() = out.println("$done: $this")

    override fun toString(): String {
        val mebibytes = bytes / MEBIBYTE
        val seconds = begin.elapsedNow().toDouble(DurationUnit.SECONDS)
        val rate = if (seconds > 0) mebibytes / seconds else 0.0
        return "%,d records, %,.1f MiB, %,.0f MiB/s".format(Locale.ROOT, records, mebibytes, rate)
    }

    private companion object {
        const val MEBIBYTE = 1024.0 * 1024.0
        const val STEP_BYTES = 32L shl 20
    }
}
