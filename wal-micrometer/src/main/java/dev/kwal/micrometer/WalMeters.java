package dev.kwal.micrometer;

import dev.kwal.Wal;
import dev.kwal.WalHistogram;
import dev.kwal.WalMetrics;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.BaseUnits;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * The {@link WalMetrics} of a log as meters, all named {@code kwal.…}. The log is asked when the registry reads a meter, and
 * does nothing else for it.
 *
 * <p>What tells several logs in one registry from each other is a tag. A registry does not keep a log alive; the meters of one
 * that is closed keep their last values. Thread-safe.
 */
public final class WalMeters implements MeterBinder {
    private static final double[] PERCENTILES = {0.5, 0.99, 1};

    private final Wal wal;
    private final Iterable<Tag> tags;

    /** Without tags, for the only log in its registry. */
    public WalMeters(Wal wal) {
        this(wal, List.of());
    }

    /** With these tags on each meter. */
    public WalMeters(Wal wal, Iterable<Tag> tags) {
        this.wal = Objects.requireNonNull(wal, "wal");
        this.tags = Objects.requireNonNull(tags, "tags");
    }

    /** Registers the meters; those that are there already, of the same name and tags, stay as they are. */
    @Override
    public void bindTo(MeterRegistry registry) {
        count(registry, "kwal.append.records", "Records appended", "records", WalMetrics::appendedRecords);
        count(registry, "kwal.append.bytes", "Bytes appended", BaseUnits.BYTES, WalMetrics::appendedBytes);
        count(
                registry,
                "kwal.sync.records",
                "Records made durable",
                "records",
                metrics -> metrics.recordsPerFlush().sum());
        count(registry, "kwal.flush.slow", "Flushes over the limit", "flushes", WalMetrics::slowFlushes);
        time(registry, "kwal.write", "Writes to the store", WalMetrics::writeNanos);
        time(registry, "kwal.flush", "Flushes of the store", WalMetrics::flushNanos);
        time(registry, "kwal.room.wait", "Appends that waited for room", WalMetrics::roomWaitNanos);
        time(registry, "kwal.rotation", "Rotations to the next segment", WalMetrics::rotationNanos);
        gauge(registry, "kwal.buffer", "Bytes in the buffer", BaseUnits.BYTES, WalMetrics::bufferedBytes);
        gauge(registry, "kwal.waiting", "Callers and tickets that wait", "callers", WalMetrics::waiting);
        gaugeNanos(
                registry,
                "kwal.unsynced.age",
                "Age of the oldest record that is not durable",
                metrics -> metrics.oldestUnsynced().toNanos());
        gaugeNanos(
                registry,
                "kwal.recovery",
                "Time it took to open",
                metrics -> metrics.recovery().toNanos());
        Gauge.builder("kwal.size", wal, Wal::sizeBytes)
                .description("Bytes of all segments")
                .baseUnit(BaseUnits.BYTES)
                .tags(tags)
                .register(registry);
    }

    private void count(
            MeterRegistry registry, String name, String description, String unit, ToLongFunction<WalMetrics> value) {
        FunctionCounter.builder(name, wal, log -> value.applyAsLong(log.metrics()))
                .description(description)
                .baseUnit(unit)
                .tags(tags)
                .register(registry);
    }

    private void gauge(
            MeterRegistry registry, String name, String description, String unit, ToDoubleFunction<WalMetrics> value) {
        Gauge.builder(name, wal, log -> value.applyAsDouble(log.metrics()))
                .description(description)
                .baseUnit(unit)
                .tags(tags)
                .register(registry);
    }

    private void gaugeNanos(MeterRegistry registry, String name, String description, ToLongFunction<WalMetrics> nanos) {
        TimeGauge.builder(name, wal, TimeUnit.NANOSECONDS, log -> nanos.applyAsLong(log.metrics()))
                .description(description)
                .tags(tags)
                .register(registry);
    }

    /** Count and time for rates and means, and percentiles since the log was opened. */
    private void time(
            MeterRegistry registry, String name, String description, Function<WalMetrics, WalHistogram> nanos) {
        FunctionTimer.builder(
                        name,
                        wal,
                        log -> nanos.apply(log.metrics()).count(),
                        log -> nanos.apply(log.metrics()).sum(),
                        TimeUnit.NANOSECONDS)
                .description(description)
                .tags(tags)
                .register(registry);
        for (double part : PERCENTILES) {
            TimeGauge.builder(
                            name + ".percentile",
                            wal,
                            TimeUnit.NANOSECONDS,
                            log -> nanos.apply(log.metrics()).percentile(part * 100))
                    .description(description + ", since the log was opened")
                    .tags(tags)
                    .tag("phi", Double.toString(part))
                    .register(registry);
        }
    }
}
