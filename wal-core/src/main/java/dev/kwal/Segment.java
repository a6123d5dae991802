package dev.kwal;

import dev.kwal.storage.SegmentReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One segment of the chain.
 *
 * @param lastLsn its last record that belongs to the log; {@link #UNKNOWN} while it is being written
 * @param endPosition where in it the log ends or goes over to the next; {@link #UNKNOWN} while it is being written
 * @param isSealed whether a seal stands before that end
 */
record Segment(SegmentHeader header, OpenFrame open, long lastLsn, long endPosition, boolean isSealed) {
    static final long UNKNOWN = Long.MAX_VALUE;

    /** The segment being written. */
    static Segment growing(SegmentHeader header, OpenFrame open) {
        return new Segment(header, open, UNKNOWN, UNKNOWN, false);
    }

    long sequence() {
        return header.sequence();
    }

    long baseLsn() {
        return open.baseLsn();
    }

    boolean isGrowing() {
        return endPosition == UNKNOWN;
    }

    Segment endingAt(long itsLastLsn, long position, boolean sealed) {
        return new Segment(header, open, itsLastLsn, position, sealed);
    }

    SegmentInfo info() {
        return new SegmentInfo(sequence(), baseLsn(), lastLsn, endPosition, isSealed);
    }

    /** The seal that ends at a position, or null if there is none. */
    static @Nullable SealFrame readSeal(SegmentReader reader, SegmentHeader header, long endPosition)
            throws IOException {
        var payload = sealPayload(reader, header, endPosition);
        return payload == null ? null : SealFrame.get(payload);
    }

    /** As {@link #readSeal}, without its index, for who opens many segments. */
    static @Nullable SealFrame readSealOnly(SegmentReader reader, SegmentHeader header, long endPosition)
            throws IOException {
        var payload = sealPayload(reader, header, endPosition);
        return payload == null ? null : SealFrame.withoutIndex(payload);
    }

    private static @Nullable ByteBuffer sealPayload(SegmentReader reader, SegmentHeader header, long endPosition)
            throws IOException {
        var word = Format.buffer(8);
        if (endPosition < Format.HEADER_BYTES + Format.FRAME_HEADER_BYTES || reader.read(endPosition - 8, word) < 8) {
            return null;
        }
        long start = word.getLong(0);
        if (start < Format.HEADER_BYTES || start >= endPosition || start % Format.ALIGNMENT != 0) {
            return null;
        }
        var frame = new FrameBlock((int) Math.min(endPosition - start, Format.frameBytes(SealFrame.maxBytes())));
        reader.read(start, frame.bytes);
        frame.bytes.flip();
        var scanner = new FrameScanner(reader, header, 0, 4096);
        scanner.beginWith(frame, start);
        scanner.seek(start);
        return scanner.next() == FrameScanner.Step.FRAME
                        && scanner.kind() == Format.SEAL
                        && scanner.position() == endPosition
                ? scanner.payload()
                : null;
    }
}
