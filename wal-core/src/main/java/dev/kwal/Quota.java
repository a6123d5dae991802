package dev.kwal;

import java.io.IOException;
import java.util.Comparator;

/**
 * How large the log may become. Counts the segment being written as a full one, and every other by the bytes that belong to
 * the log.
 *
 * <p>Asked before a segment is begun for appends, or before it outgrows its size. What frees space is not asked. Thread-safe.
 */
final class Quota {
    private final long maxBytes;
    private final long fullBytes;
    private final Pins pins;
    private volatile SegmentChain chain = SegmentChain.EMPTY;

    /** The log would be too large. */
    static final class Exceeded extends IOException {
        private static final long serialVersionUID = 1L;

        Exceeded(String what) {
            super(what);
        }
    }

    Quota(Retention retention, long segmentBytes, Pins pins) {
        this.pins = pins;
        this.maxBytes = retention.maxBytes();
        this.fullBytes = ActiveSegment.fullBytes(segmentBytes);
        if (maxBytes < 2 * fullBytes) {
            throw new IllegalArgumentException(
                    "maxBytes is " + maxBytes + ", expected at least two full segments, " + 2 * fullBytes);
        }
    }

    void changed(SegmentChain now) {
        chain = now;
    }

    /** Whether the segment being written can take a group of so many bytes from a position on. */
    void checkCurrent(long position, long frameBytes) throws Exceeded {
        check(0, Math.max(fullBytes, position + frameBytes));
    }

    /** Whether a segment can be begun for a group of so many bytes, where the one being written ends at a position. */
    void checkNext(long position, long frameBytes) throws Exceeded {
        check(position, Math.max(fullBytes, Format.HEADER_BYTES + frameBytes));
    }

    /** Whether a segment can be prepared ahead. */
    void checkAhead() throws Exceeded {
        check(fullBytes, fullBytes);
    }

    private void check(long growingBytes, long nextBytes) throws Exceeded {
        if (maxBytes == Long.MAX_VALUE) {
            return;
        }
        long bytes = growingBytes;
        for (var segment : chain.segments()) {
            bytes += segment.isGrowing() ? 0 : segment.endPosition();
        }
        if (bytes + nextBytes > maxBytes) {
            throw new Exceeded("the log has " + bytes + " bytes, and a segment of " + nextBytes
                    + " more would exceed its quota of " + maxBytes + holder());
        }
    }

    /** Who holds the most. */
    private String holder() {
        return pins.table().pins().entrySet().stream()
                .min(Comparator.comparingLong(pin -> pin.getValue().lsn()))
                .map(pin -> "; the pin " + pin.getKey() + " holds what is behind LSN "
                        + pin.getValue().lsn())
                .orElse("");
    }
}
