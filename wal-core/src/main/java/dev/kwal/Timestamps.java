package dev.kwal;

import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Gives records their timestamps: what the clock says, but never less than what was given before. Thread-safe.
 *
 * <p>Whoever asks between reading how far LSNs are given and taking the next, as one step, gets no less than who has an LSN
 * before: that one asked before it took its own.
 */
final class Timestamps {
    private final InstantSource clock;
    private final AtomicLong last;

    /** @param lastMillis the last that a record of the log has; {@link WalRecord#NO_TIME} for none */
    Timestamps(InstantSource clock, long lastMillis) {
        this.clock = clock;
        this.last = new AtomicLong(Math.max(0, lastMillis));
    }

    /** In milliseconds since 1970; {@link WalRecord#NO_TIME} if the clock is before that. */
    long next() {
        long now = Math.min(clock.millis(), Format.MAX_EXTENSION_NUMBER);
        return now < 0 ? WalRecord.NO_TIME : last.accumulateAndGet(now, Math::max);
    }
}
