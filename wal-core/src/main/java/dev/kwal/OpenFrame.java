package dev.kwal;

import java.nio.ByteBuffer;

/**
 * The first frame of a segment: which segment it follows, from where on, and what it holds. The chain of these defines the
 * log.
 *
 * @param predecessor the sequence of the segment before; 0 for none
 * @param predecessorNonce which use of that file
 * @param predecessorEnd where in it the log goes over to this segment; what lies behind is dead
 * @param baseLsn the LSN of the first record here
 * @param firstLsn the first live LSN when this was written
 * @param validThroughLsn this segment takes effect only if it is whole through this LSN
 */
record OpenFrame(
        long predecessor,
        long predecessorNonce,
        long predecessorEnd,
        long baseLsn,
        long firstLsn,
        long epoch,
        long validThroughLsn,
        Reason reason) {

    /** Why the segment was begun. */
    enum Reason {
        /** The first of a log. */
        NEW(0),
        /** The one before was full, old, or sealed by hand. */
        ROTATE(1),
        /** The one before was not gone on with when the log was opened. */
        RECOVERY(2),
        /** A suffix was given up. */
        TRUNCATE(3);

        private final int code;

        Reason(int code) {
            this.code = code;
        }

        private static Reason of(long code) {
            for (var reason : values()) {
                if (reason.code == code) {
                    return reason;
                }
            }
            return RECOVERY;
        }
    }

    /**
     * Whether a log can have written this. No crash makes a whole frame that it did not.
     *
     * @param sequence of the segment that begins with it
     */
    boolean isPlausible(long sequence) {
        return predecessor >= 0
                && predecessor < sequence
                && predecessorEnd >= 0
                && baseLsn >= 1
                && validThroughLsn >= baseLsn - 1
                && validThroughLsn <= Format.MAX_LSN
                && firstLsn >= 1
                && firstLsn <= validThroughLsn + 1
                && epoch >= 0;
    }

    void put(ByteBuffer buffer, int at) {
        buffer.putLong(at, predecessor);
        buffer.putLong(at + 8, predecessorNonce);
        buffer.putLong(at + 16, predecessorEnd);
        buffer.putLong(at + 24, baseLsn);
        buffer.putLong(at + 32, firstLsn);
        buffer.putLong(at + 40, epoch);
        buffer.putLong(at + 48, validThroughLsn);
        buffer.putLong(at + 56, reason.code);
    }

    /** Reads the payload; the caller has checked the checksum. An unknown reason is taken as {@link Reason#RECOVERY}. */
    static OpenFrame get(ByteBuffer payload) {
        int at = payload.position();
        return new OpenFrame(
                payload.getLong(at),
                payload.getLong(at + 8),
                payload.getLong(at + 16),
                payload.getLong(at + 24),
                payload.getLong(at + 32),
                payload.getLong(at + 40),
                payload.getLong(at + 48),
                Reason.of(payload.getLong(at + 56)));
    }
}
