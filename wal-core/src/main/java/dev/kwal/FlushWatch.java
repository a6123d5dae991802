package dev.kwal;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Reports a flush that runs too long, while it runs, once.
 *
 * <p>Always: at most one timer is set. It goes off once in a limit while there are flushes, and once after them: to set one
 * for each flush would cost more than many a flush. Guarded by the lock of the write path.
 */
final class FlushWatch {
    private final long limitNanos;
    private final Meter meter;
    private final Progress progress;
    private final ScheduledExecutorService background;
    private final Consumer<Duration> report;
    private boolean isTimerSet;

    /** Has it told how long such a flush has been running; without the lock, on a thread of the background. */
    FlushWatch(
            Duration limit,
            Meter meter,
            Progress progress,
            ScheduledExecutorService background,
            Consumer<Duration> report) {
        this.limitNanos = Deadline.toNanos(limit);
        this.meter = meter;
        this.progress = progress;
        this.background = background;
        this.report = report;
    }

    /** A flush begins. */
    void flushing() {
        if (!isTimerSet) {
            setTimer(limitNanos);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // It only looks.
    private void setTimer(long delayNanos) {
        try {
            background.schedule(this::timeIsUp, delayNanos, TimeUnit.NANOSECONDS);
            isTimerSet = true;
        } catch (RejectedExecutionException e) {
            // The log is closed.
            return;
        }
    }

    private void timeIsUp() {
        long runningNanos;
        progress.lock().lock();
        try {
            isTimerSet = false;
            runningNanos = meter.runningFlushNanos();
            if (runningNanos >= limitNanos) {
                meter.slowFlush(runningNanos);
            } else if (runningNanos >= 0) {
                setTimer(limitNanos - runningNanos);
            }
        } finally {
            progress.unlockAndWake();
        }
        if (runningNanos >= limitNanos) {
            report.accept(Duration.ofNanos(runningNanos));
        }
    }
}
