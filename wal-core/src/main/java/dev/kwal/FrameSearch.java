package dev.kwal;

import dev.kwal.storage.SegmentReader;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Finds the next whole frame behind a place where a segment stops making sense.
 *
 * <p>Bounded work: positions are filtered by alignment, length and LSN before any checksum is computed, and the bytes that
 * go through checksums for nothing have a budget of four times the segment and a mebibyte. One thread.
 */
final class FrameSearch {
    /** No frame was found. */
    static final long NONE = -1;

    /** Damage is short as a rule, so the first look is. */
    private static final int FIRST_BYTES = 4 << 10;

    private static final int BLOCK_BYTES = 128 << 10;
    private static final long SPARE_BUDGET = 1 << 20;

    private final SegmentReader reader;
    private final FrameScanner scanner;
    private final long endPosition;
    private final long budget;
    private final ByteBuffer block = Format.buffer(BLOCK_BYTES);

    private boolean isExhausted;

    /**
     * A search in one segment.
     *
     * @param endPosition where in the segment the log ends; frames run up to there at most
     */
    FrameSearch(SegmentReader reader, SegmentHeader header, long endPosition) {
        this.reader = reader;
        this.endPosition = endPosition;
        this.budget = 4 * endPosition + SPARE_BUDGET;
        // Longer frames are checked piece by piece, so nothing large is allocated for what may be garbage.
        this.scanner = new FrameScanner(reader, header, 0, 4096);
    }

    /**
     * The position of the next whole frame, or {@link #NONE}.
     *
     * @param from where to begin, aligned
     * @param lowLsn a frame with a lower LSN cannot stand there
     */
    long next(long from, long lowLsn) throws IOException {
        long position = from;
        while (position < endPosition) {
            block.clear().limit(position == from ? FIRST_BYTES : BLOCK_BYTES);
            int limit = block.limit();
            int read = reader.read(position, block);
            for (int at = 0; at + Format.FRAME_HEADER_BYTES <= read; at += Format.ALIGNMENT) {
                long candidate = position + at;
                if (isPlausible(at, candidate, lowLsn) && isWhole(candidate)) {
                    return candidate;
                }
                if (isExhausted) {
                    return NONE;
                }
            }
            if (read < limit) {
                return NONE;
            }
            // What may be the beginning of a frame header is looked at again.
            position += read - Format.FRAME_HEADER_BYTES + Format.ALIGNMENT;
        }
        return NONE;
    }

    private boolean isPlausible(int at, long candidate, long lowLsn) {
        return Format.length(block, at) != 0
                && Format.isPlausible(block, at, endPosition - candidate)
                && Format.lsn(block, at) >= lowLsn;
    }

    private boolean isWhole(long candidate) throws IOException {
        scanner.seek(candidate);
        var step = scanner.next();
        isExhausted = scanner.scannedBytes() > budget;
        return step == FrameScanner.Step.FRAME || step == FrameScanner.Step.TOO_LONG;
    }

    /** Whether the last search ended because the budget was used up. */
    boolean isExhausted() {
        return isExhausted;
    }
}
