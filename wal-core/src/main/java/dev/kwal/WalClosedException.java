package dev.kwal;

/** The log was closed. */
public final class WalClosedException extends WalException {
    private static final long serialVersionUID = 1L;

    WalClosedException() {
        super("the log is closed", null);
    }
}
