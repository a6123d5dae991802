package dev.kwal;

import java.time.Duration;

/**
 * The time given to a call ran out. If the call was an append that had already been accepted, {@link #lsn()} tells its LSN:
 * the record stays and commits with its group. The log is not affected.
 */
public final class WalTimeoutException extends WalException {
    private static final long serialVersionUID = 1L;

    /** The accepted record, or 0. */
    private final long lsn;

    WalTimeoutException(Duration timeout, long lsn, String outcome) {
        super("not done within " + timeout + "; " + outcome, null);
        this.lsn = lsn;
    }

    /** The LSN of the record that was accepted; 0 if none was, or if the call was no append. */
    public long lsn() {
        return lsn;
    }
}
