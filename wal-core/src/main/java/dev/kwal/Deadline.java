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
     * So long from now; null for ever.
     *
     * @throws IllegalArgumentException if it is negative
     */
    static Deadline after(@Nullable Duration timeout) {
        if (timeout != null && timeout.isNegative()) {
            throw new IllegalArgumentException("timeout is " + timeout + ", expected 0 or more");
        }
        return timeout == null ? NEVER : new Deadline(timeout);
    }

    boolean isNever() {
        return timeout == null;
    }

    long nanosLeft() {
        return Math.max(0, endNanos - System.nanoTime());
    }

    WalTimeoutException passed(long acceptedLsn) {
        return new WalTimeoutException(timeout == null ? Duration.ZERO : timeout, acceptedLsn);
    }

    /** Nanoseconds, at most about a century, so that sums do not overflow. */
    static long toNanos(Duration duration) {
        return duration.compareTo(Duration.ofDays(36500)) > 0
                ? Duration.ofDays(36500).toNanos()
                : duration.toNanos();
    }
}
