package dev.kwal;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How large a log may become, and what it drops by itself. Immutable; each {@code with} method gives a changed copy and
 * refuses values out of range with an {@link IllegalArgumentException}.
 *
 * <p>What a log drops by itself it drops in whole segments, oldest first, as a {@link Wal#checkpoint} would, in the
 * background when a segment is sealed, and when the oldest has reached its age; never the segment being written, and never
 * what a {@link WalPin} or a {@link WalListener} holds.
 *
 * @param maxBytes the most that all segments may have together: the quota. A segment that would exceed it is not begun, and
 *     appends get {@link WalNoSpaceException} until something was dropped. At least twice a full segment;
 *     {@link Long#MAX_VALUE} for no quota. What a checkpoint, a truncation, a recovery or a close needs is never refused. In a
 *     store that prepares no space, one group that is longer than a segment can exceed it
 * @param keepBytes what the segments may have together before the oldest are dropped; {@link Long#MAX_VALUE} for all, which is
 *     right where only a checkpoint knows what is no longer needed. With a quota at least two full segments below it, or the
 *     quota is reached first and nothing is dropped
 * @param keepAge how long a segment is kept after it was sealed; more than zero, {@link WalOptions#FOREVER} for any age. By
 *     the clock of the machine: one that was ahead when a segment was sealed keeps it longer, one that jumps ahead later drops
 *     it early
 */
public record Retention(long maxBytes, long keepBytes, Duration keepAge) {
    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

    /** No quota, and nothing is dropped but by a checkpoint. */
    public static final Retention UNLIMITED = new Retention(Long.MAX_VALUE, Long.MAX_VALUE, FOREVER);

    /** Checks every value. */
    public Retention {
        if (maxBytes < 1 || keepBytes < 1) {
            throw new IllegalArgumentException(
                    "maxBytes is " + maxBytes + ", keepBytes is " + keepBytes + ", expected 1 or more");
        }
        if (keepAge == null || keepAge.isNegative() || keepAge.isZero()) {
            throw new IllegalArgumentException("keepAge is " + keepAge + ", expected more than zero");
        }
    }

    /** A copy with another {@link #maxBytes()}. */
    public Retention withMaxBytes(long maxBytes) {
        return new Retention(maxBytes, keepBytes, keepAge);
    }

    /** A copy with another {@link #keepBytes()}. */
    public Retention withKeepBytes(long keepBytes) {
        return new Retention(maxBytes, keepBytes, keepAge);
    }

    /** A copy with another {@link #keepAge()}. */
    public Retention withKeepAge(Duration keepAge) {
        return new Retention(maxBytes, keepBytes, keepAge);
    }

    /** Whether segments grow too old. */
    boolean hasAge() {
        return !keepAge.equals(FOREVER);
    }

    /** How old they may become, at most about a century. */
    long ageMillis() {
        return TimeUnit.NANOSECONDS.toMillis(Deadline.toNanos(keepAge));
    }

    /** Whether the log drops anything by itself. */
    boolean drops() {
        return keepBytes != Long.MAX_VALUE || hasAge();
    }
}
