package dev.kwal;

import org.jspecify.annotations.Nullable;

/** Data that must be there is damaged or missing. Nothing on disk was changed. */
public final class WalCorruptedException extends WalException {
    private static final long serialVersionUID = 1L;

    /** The segment, as in its name; 0 for none. */
    private final long segment;

    /** The byte in the segment. */
    private final long position;

    /** The first record concerned. */
    private final long lsn;

    WalCorruptedException(long segment, long position, long lsn, String what) {
        this(segment, position, lsn, what, null);
    }

    WalCorruptedException(long segment, long position, long lsn, String what, @Nullable Throwable cause) {
        super(
                "segment " + segment + " at byte " + position + ": " + what + (lsn == 0 ? "" : " (LSN " + lsn + ")"),
                cause);
        this.segment = segment;
        this.position = position;
        this.lsn = lsn;
    }

    /** What is damaged is no segment. */
    WalCorruptedException(String what) {
        this(what, null);
    }

    /** What is damaged is no segment. */
    WalCorruptedException(String what, @Nullable Throwable cause) {
        super(what, cause);
        this.segment = 0;
        this.position = 0;
        this.lsn = 0;
    }

    /** The sequence of the damaged or missing segment; 0 if the pins are damaged. */
    public long segment() {
        return segment;
    }

    /** The position of the damage in the segment, in bytes. */
    public long position() {
        return position;
    }

    /** The first LSN that is damaged or missing; 0 if that is not known. */
    public long lsn() {
        return lsn;
    }
}
