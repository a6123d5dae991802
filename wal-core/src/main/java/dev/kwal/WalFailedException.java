package dev.kwal;

/**
 * A write or a sync failed, and with it the log, for good. The outcome of records behind {@link #durableLsn()} is
 * unknown: they may or may not come back when the log is opened again, which is the cure. The cause is the original error.
 */
public final class WalFailedException extends WalException {
    private static final long serialVersionUID = 1L;

    /** The last record that is certainly durable. */
    private final long durableLsn;

    WalFailedException(long durableLsn, Throwable cause) {
        super(
                "the log failed, records behind LSN " + durableLsn + " have an unknown outcome; reopen it: "
                        + cause.getMessage(),
                cause);
        this.durableLsn = durableLsn;
    }

    /** The last LSN that is certainly durable; 0 if none is. */
    public long durableLsn() {
        return durableLsn;
    }
}
