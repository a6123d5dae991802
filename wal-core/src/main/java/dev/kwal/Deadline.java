package dev.kwal;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Until when a call may wait, by {@link System#nanoTime()}. */
final class Deadline {
    static final Deadline NEVER = new Deadline(null);

    private final @Nullable Duration timeout;
    private final long endNanos;

    private Deadline(@Nullable Duration timeout) {
        this.timeout = timeout;
        this.endNanos = timeout == null ? 0 : System.nanoTime() + toNanos(timeout);
    }

    /**
     * So long from now.
     *
     * @throws IllegalArgumentException if it is negative
     */
    static Deadline after(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout is " + timeout + ", expected 0 or more");
        }
        return new Deadline(timeout);
    }

    boolean isNever() {
        return timeout == null;
    }

    long nanosLeft() {
        return Math.max(0, endNanos - System.nanoTime());
    }

    /** The time is over. */
    WalTimeoutException passed(long acceptedLsn, String outcome) {
        return new WalTimeoutException(timeout == null ? Duration.ZERO : timeout, acceptedLsn, outcome);
    }

    /** Nanoseconds, at most about a century, so that sums do not overflow. */
    static long toNanos(Duration duration) {
        return duration.compareTo(Duration.ofDays(36500)) > 0
                ? Duration.ofDays(36500).toNanos()
                : duration.toNanos();
    }
}
