package dev.kwal.samples

// readme: begin
import dev.kwal.WalListener
import dev.kwal.WalOptions
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.micrometer.WalMeters
import io.micrometer.core.instrument.MeterRegistry
import java.time.Duration

fun alarming(alarm: (String) -> Unit): WalOptions = WalOptions.DEFAULT.withListener(object : WalListener {
    override fun slowFlush(running: Duration) = alarm("a flush has been running for $running") // and runs on
})

fun watchOrders(log: SuspendingWal, registry: MeterRegistry): String {
    WalMeters(log.asBlocking()).bindTo(registry) // kwal.flush, kwal.append.records, kwal.unsynced.age, …
    val metrics = log.metrics // or without Micrometer: a snapshot
    return "${metrics.recordsPerFlush().mean()} records in a flush of ${metrics.flushNanos().percentile(50.0)} ns"
}
// readme: end
