package dev.kwal;

import java.util.UUID;

/**
 * Hears what a log does as it does it, for the flight recorder. By default it hears nothing.
 *
 * <p>Called under the lock of the write path; what begins ends before the like begins again, or never.
 */
interface Flight {
    Flight NONE = new Flight() {};

    /** Begins with the recovery of a log. The module of the flight recorder may be missing. */
    static Flight begin() {
        var module = Flight.class.getModule();
        boolean isThere =
                ModuleLayer.boot().findModule("jdk.jfr").filter(module::canRead).isPresent();
        return isThere ? new RecordedFlight() : NONE;
    }

    default void identified(UUID logId) {}

    default void recovered(RecoveryReport report) {}

    default void writing() {}

    default void written(long records, long bytes) {}

    default void flushing() {}

    default void flushed(long records) {}

    default void slowFlush(long runningNanos) {}

    default void rotating() {}

    default void rotated(long sequence) {}
}
