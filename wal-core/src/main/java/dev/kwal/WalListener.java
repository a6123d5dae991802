package dev.kwal;

import java.time.Duration;

/**
 * Hears what becomes of a log and its segments, and may keep a segment from being deleted.
 *
 * <p>Called on a thread of the log for that alone, never on one that appends, writes or flushes; one call at a time, in
 * order. What a method throws goes to that thread's handler of uncaught exceptions. A listener that hangs misses events: of
 * those it has not heard yet at most 1,024 are kept.
 */
public interface WalListener {
    /** Hears nothing, and allows everything. */
    WalListener NONE = new WalListener() {};

    /** The log was opened. */
    default void recovered(RecoveryReport report) {}

    /** A segment is complete and durable, and the next one has begun. */
    default void sealed(SegmentInfo segment) {}

    /**
     * Whether a segment whose records are no longer needed may be dropped: asked before its records are, oldest first. After a
     * {@code false}, or if this throws, it and all behind it stay and can be read, and it is asked again with the next
     * checkpoint and whenever the log drops something by itself. Asked again, perhaps, after a {@code true}.
     *
     * <p>A checkpoint waits for the answer, and so may an append when the log is full: answer at once, and do not wait here
     * for the log.
     */
    default boolean mayDelete(SegmentInfo segment) {
        return true;
    }

    /**
     * A pin with {@link WalPin.Overflow#DROP} was dropped, durably, because the log was full.
     *
     * @param lsn the last record that its reader did not need any more
     */
    default void pinDropped(String name, long lsn) {}

    /**
     * How long a flush may run before {@link #slowFlush} is called; at zero or less it never is. Asked once, on the thread that
     * opens the log; if this throws, flushes are not watched.
     */
    default Duration slowFlushLimit() {
        return Duration.ofSeconds(1);
    }

    /**
     * A flush is still running after {@link #slowFlushLimit()}; called while it runs, once for each such flush. Callers who
     * wait for it wait on: the disk is overloaded or hangs.
     *
     * @param running how long it has been running
     */
    default void slowFlush(Duration running) {}

    /** The log has failed; see {@link WalState#FAILED}. */
    default void failed(Throwable cause) {}
}
