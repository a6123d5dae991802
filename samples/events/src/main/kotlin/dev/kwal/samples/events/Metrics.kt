package dev.kwal.samples.events

import dev.kwal.coroutines.SuspendingWal
import dev.kwal.micrometer.WalMeters
import io.ktor.http.ContentType
import io.ktor.http.withCharset
import io.micrometer.core.instrument.FunctionCounter
import io.micrometer.core.instrument.Gauge
import io.micrometer.core.instrument.MultiGauge
import io.micrometer.core.instrument.Tags
import io.micrometer.prometheusmetrics.PrometheusConfig
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry

/** What Prometheus is told: what the log counts and times, how far each consumer is behind, and how snapshots go. */
internal class Metrics {
    private val registry = PrometheusMeterRegistry(PrometheusConfig.DEFAULT)
    private val lags = MultiGauge.builder("events.consumer.lag")
        .description("Events that a consumer has not acknowledged")
        .baseUnit("records")
        .register(registry)

    /** Whoever names the log keeps it: the registry does not. */
    fun watch(log: SuspendingWal, tally: Tally) {
        WalMeters(log.asBlocking()).bindTo(registry)
        Gauge.builder("events.snapshot.lsn", tally) { it.snapshotLsn.toDouble() }
            .description("The last event that the newest snapshot contains")
            .register(registry)
        FunctionCounter.builder("events.snapshot.failures", tally) { it.failedSnapshots.toDouble() }
            .description("Snapshots that could not be taken")
            .register(registry)
    }

    /** Everything as it is now. Consumers come and go, so their rows are made for each look. */
    fun scrape(log: SuspendingWal): String {
        lags.register(log.consumers().map { MultiGauge.Row.of(Tags.of("consumer", it.name), it.lagRecords) }, true)
        return registry.scrape()
    }

    companion object {
        /** What a registry writes unless it is asked for something else. */
        val TEXT: ContentType =
            ContentType.Text.Plain.withParameter("version", "0.0.4").withCharset(Charsets.UTF_8)
    }
}
