package dev.kwal;

/**
 * A record is whole, yet its codec cannot decode it: written by another version of the program, or by another program. The
 * cause is what the codec threw. Reading can go on behind it.
 *
 * <p>The message has the LSN, the length and the type of the cause, and never contents of the record. What the cause says is
 * up to the codec.
 */
public final class WalDecodingException extends WalException {
    private static final long serialVersionUID = 1L;

    /** The record. */
    private final long lsn;

    WalDecodingException(long lsn, int length, Exception cause) {
        super(
                "record " + lsn + " of " + length + " bytes cannot be decoded: "
                        + cause.getClass().getName(),
                cause);
        this.lsn = lsn;
    }

    /** The LSN of the record. */
    public long lsn() {
        return lsn;
    }
}
