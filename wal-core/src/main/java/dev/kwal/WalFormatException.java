package dev.kwal;

/**
 * A segment that this version cannot read: not a segment at all, of a newer version, with a feature unknown here, of
 * another log, or with a record longer than the limit. Nothing on disk was changed.
 */
public final class WalFormatException extends WalException {
    private static final long serialVersionUID = 1L;

    /** The segment, as in its name. */
    private final long segment;

    WalFormatException(long segment, String what) {
        super("segment " + segment + ": " + what, null);
        this.segment = segment;
    }

    /** The sequence of the segment. */
    public long segment() {
        return segment;
    }
}
