package dev.kwal;

import java.time.Duration;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Counts and times what a log does, and tells the flight recorder.
 *
 * <p>Always: an append costs nothing here; a write and a flush cost two looks at the clock and some additions, under the lock
 * that their leader holds anyway. Guarded by the lock of the write path, but for {@link #now()}.
 */
final class Meter {
    private final LongSupplier nanos;
    private final Flight flight;
    private final long openNanos;
    private @Nullable FlushWatch watch;

    private final Tally writeNanos = new Tally();
    private final Tally recordsPerWrite = new Tally();
    private final Tally flushNanos = new Tally();
    private final Tally recordsPerFlush = new Tally();
    private final Tally roomWaitNanos = new Tally();
    private final Tally rotationNanos = new Tally();
    private long writtenBytes;
    private long slowFlushes;
    private long recoveryNanos;

    private long writeBegin;
    private long flushBegin;
    private long rotationBegin;
    private boolean isFlushing;
    /** Since when there are records that are not durable, and of those the ones that the current flush does not cover. */
    private boolean hasUnsynced;

    private long unsyncedBegin;
    private boolean hasUncovered;
    private long uncoveredBegin;

    /** Recovery begins. */
    Meter(LongSupplier nanos, Flight flight) {
        this.nanos = nanos;
        this.flight = flight;
        this.openNanos = nanos.getAsLong();
    }

    /** By the clock that everything here is measured with; may be called by anybody. */
    long now() {
        return nanos.getAsLong();
    }

    // -- recovery

    void identified(UUID logId) {
        flight.identified(logId);
    }

    void recovered(RecoveryReport report) {
        recoveryNanos = now() - openNanos;
        flight.recovered(report);
    }

    /** Has flushes watched from now on. */
    void watchBy(FlushWatch newWatch) {
        watch = newWatch;
    }

    // -- writes

    /** A write begins, of records if some are not durable. */
    void writing(boolean isOfRecords) {
        writeBegin = now();
        flight.writing();
        if (isOfRecords && isFlushing && !hasUncovered) {
            hasUncovered = true;
            uncoveredBegin = writeBegin;
        } else if (isOfRecords && !isFlushing && !hasUnsynced) {
            hasUnsynced = true;
            unsyncedBegin = writeBegin;
        }
    }

    void written(long records, long bytes) {
        writeNanos.add(now() - writeBegin);
        recordsPerWrite.add(records);
        writtenBytes += bytes;
        flight.written(records, bytes);
    }

    // -- flushes

    /** A flush begins, of all that is written now. */
    void flushing() {
        if (watch != null) {
            watch.flushing();
        }
        isFlushing = true;
        flushBegin = now();
        flight.flushing();
    }

    void flushed(long records, boolean isDone) {
        isFlushing = false;
        if (isDone) {
            flushNanos.add(now() - flushBegin);
            recordsPerFlush.add(records);
            flight.flushed(records);
            hasUnsynced = hasUncovered;
            unsyncedBegin = uncoveredBegin;
            hasUncovered = false;
        }
    }

    /** How long the flush under way has been running; -1 if there is none. */
    long runningFlushNanos() {
        return isFlushing ? Math.max(0, now() - flushBegin) : -1;
    }

    void slowFlush(long runningNanos) {
        slowFlushes++;
        flight.slowFlush(runningNanos);
    }

    // -- what holds up appends

    void waitedForRoom(long sinceNanos) {
        roomWaitNanos.add(now() - sinceNanos);
    }

    void rotating() {
        rotationBegin = now();
        flight.rotating();
    }

    /** The segment of this sequence was begun. */
    void rotated(long sequence) {
        rotationNanos.add(now() - rotationBegin);
        flight.rotated(sequence);
    }

    /** With what is known elsewhere: how much is appended and not written, and who waits. */
    WalMetrics snapshot(long bufferedRecords, long bufferedBytes, int waiting) {
        return new WalMetrics(
                recordsPerWrite.sum() + bufferedRecords,
                writtenBytes + bufferedBytes,
                bufferedBytes,
                writeNanos.snapshot(),
                recordsPerWrite.snapshot(),
                flushNanos.snapshot(),
                recordsPerFlush.snapshot(),
                slowFlushes,
                roomWaitNanos.snapshot(),
                rotationNanos.snapshot(),
                waiting,
                Duration.ofNanos(hasUnsynced ? Math.max(0, now() - unsyncedBegin) : 0),
                Duration.ofNanos(recoveryNanos));
    }
}
