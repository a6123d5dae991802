package dev.kwal.benchmarks.load

/** How long each of many operations took. One thread at a time. */
internal class Times {
    private var nanos = LongArray(1 shl 16)
    private var count = 0

    fun measure(operation: Operation) {
        val start = System.nanoTime()
        operation.run()
        if (count == nanos.size) nanos = nanos.copyOf(count * 2)
        nanos[count++] = System.nanoTime() - start
    }

    /** In milliseconds. */
    fun percentile(percent: Double): Double {
        check(count > 0) { "nothing was measured" }
        nanos.sort(0, count)
        return nanos[((count - 1) * percent / 100).toInt()] / 1e6
    }
}
