package dev.kwal;

import java.security.SecureRandom;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What the first bytes of a segment say: whose it is, which it is, and which use of its file.
 *
 * @param nonce drawn for each use of a file, so that bytes of an earlier use never validate
 * @param optionalFeatures bits that a later version set; they mean nothing here, but the checksum covers them
 */
record SegmentHeader(long logIdHigh, long logIdLow, long sequence, long nonce, int optionalFeatures) {
    private static final SecureRandom RANDOM = new SecureRandom();

    SegmentHeader(long logIdHigh, long logIdLow, long sequence, long nonce) {
        this(logIdHigh, logIdLow, sequence, nonce, 0);
    }

    /** The header of the first segment of a new log. */
    static SegmentHeader ofNewLog(long sequence) {
        return new SegmentHeader(RANDOM.nextLong(), RANDOM.nextLong(), sequence, RANDOM.nextLong());
    }

    /** The header of another segment of the same log. */
    SegmentHeader successor(long itsSequence) {
        return new SegmentHeader(logIdHigh, logIdLow, itsSequence, RANDOM.nextLong());
    }

    /** The log id as a value whose text shows the bytes in the order in which they stand on disk. */
    UUID logId() {
        return new UUID(Long.reverseBytes(logIdHigh), Long.reverseBytes(logIdLow));
    }

    boolean isOfLogOf(SegmentHeader other) {
        return logIdHigh == other.logIdHigh && logIdLow == other.logIdLow;
    }

    /** What can be wrong with a header. */
    enum Problem {
        /** Shorter than a header: its creation was not finished. */
        UNFINISHED,
        /** Not a segment, or not of this version. */
        FOREIGN,
        /** Its checksum is wrong, or there are zeros in its place: nothing is written before a header is synced. */
        DAMAGED
    }

    /** A header, or what is wrong with it. */
    record Decoded(@Nullable SegmentHeader header, @Nullable Problem problem, String what) {
        static Decoded header(SegmentHeader header) {
            return new Decoded(header, null, "");
        }

        static Decoded problem(Problem problem, String what) {
            return new Decoded(null, problem, what);
        }
    }
}
