package dev.kwal;

/** What a log can do now. */
public enum WalState {
    /** Appends, syncs and reads. */
    OPEN,
    /**
     * Reads, and appends what fits into the current segment, but the next segment could not be prepared. Heals by itself
     * when preparing succeeds.
     */
    NO_SPACE,
    /** A write or a sync failed: reads up to the last durable LSN. The cure is to reopen. */
    FAILED,
    /** Closed. */
    CLOSED
}
