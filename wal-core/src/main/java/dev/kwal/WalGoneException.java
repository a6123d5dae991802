package dev.kwal;

/** A record was asked for that a checkpoint or a truncation has dropped. */
public final class WalGoneException extends WalException {
    private static final long serialVersionUID = 1L;

    /** The record asked for. */
    private final long lsn;

    WalGoneException(long lsn, String why) {
        super("record " + lsn + " is gone: " + why, null);
        this.lsn = lsn;
    }

    /** The LSN asked for. */
    public long lsn() {
        return lsn;
    }
}
