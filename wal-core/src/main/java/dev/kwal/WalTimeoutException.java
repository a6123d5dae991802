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

    WalTimeoutException(Duration timeout, long lsn) {
        super(
                "not done within " + timeout
                        + (lsn == 0 ? "; nothing was appended" : "; LSN " + lsn + " is accepted and goes on"),
                null);
        this.lsn = lsn;
    }

    /** The LSN waited for; 0 if nothing was accepted. */
    public long lsn() {
        return lsn;
    }
}
