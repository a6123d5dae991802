package dev.kwal;

import java.util.concurrent.locks.LockSupport;

/**
 * How to wait for a thread that is between two instructions: on another core it is done at once, and on the same one it needs
 * the core.
 */
final class Backoff {
    /** How often to look again at once. */
    static final int SPIN_ROUNDS = 16;

    private static final long PARK_NANOS = 20_000;

    private Backoff() {}

    static void pause() {
        LockSupport.parkNanos(PARK_NANOS);
    }
}
