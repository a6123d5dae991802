package dev.kwal;

import dev.kwal.storage.SegmentWriter;
import java.io.IOException;

/**
 * The one segment being written.
 *
 * <p>Always: {@code syncedPosition <= writtenPosition}; both count bytes from the start of the segment. Guarded by the lock
 * of the write path, but for the writer, which the current leader calls.
 */
final class ActiveSegment {
    /** A checkpoint, marks and a close, beside the seal. */
    private static final long CLOSING_BYTES = 256;

    private static final long PREPARED_AHEAD_BYTES = 1 << 20;

    private final SegmentHeader header;
    private final OpenFrame open;
    private final SegmentWriter writer;
    private final SparseIndex index;
    private final int salt;
    private final long beginNanos;

    private long writtenPosition;
    private long syncedPosition;
    private long preparedPosition;

    ActiveSegment(SegmentHeader header, OpenFrame open, SegmentWriter writer, SparseIndex index, long position)
            throws IOException {
        this.header = header;
        this.open = open;
        this.writer = writer;
        this.index = index;
        this.salt = Format.salt(header);
        this.writtenPosition = position;
        this.syncedPosition = position;
        this.beginNanos = System.nanoTime();
        this.preparedPosition = writer.prepare(0);
    }

    SegmentHeader header() {
        return header;
    }

    OpenFrame open() {
        return open;
    }

    SegmentWriter writer() {
        return writer;
    }

    SparseIndex index() {
        return index;
    }

    int salt() {
        return salt;
    }

    /** When it was begun, by {@link System#nanoTime()}. */
    long beginNanos() {
        return beginNanos;
    }

    long writtenPosition() {
        return writtenPosition;
    }

    void written(long position) {
        writtenPosition = position;
    }

    long syncedPosition() {
        return syncedPosition;
    }

    void synced(long position) {
        syncedPosition = Math.max(syncedPosition, position);
    }

    /** Whether the store has space for so many bytes from a position on, and for the frames that end a segment. */
    boolean hasSpaceFor(long position, long bytes) {
        return end(position, bytes) <= preparedPosition;
    }

    /**
     * Prepares that space, and some more.
     *
     * @param likelyEnd how long the segment is expected to become
     * @throws IOException if it cannot be prepared; the segment is as it was
     */
    void prepareFor(long position, long bytes, long likelyEnd) throws IOException {
        long end = end(position, bytes);
        if (end > preparedPosition) {
            preparedPosition = writer.prepare(Math.max(end, Math.min(likelyEnd, end + PREPARED_AHEAD_BYTES)));
        }
    }

    /** How long a segment becomes that is filled with records up to a position. */
    static long fullBytes(long segmentBytes) {
        return endAfter(segmentBytes, segmentBytes / SparseIndex.FIRST_DISTANCE);
    }

    /** Up to which position frames can be put whatever their number, so that those which end the segment still fit. */
    long safeEnd() {
        return preparedPosition - endAfter(0, preparedPosition / SparseIndex.FIRST_DISTANCE);
    }

    /** The index has at most one entry for each of its distances. */
    private static long end(long position, long bytes) {
        return endAfter(position + bytes, (position + bytes) / SparseIndex.FIRST_DISTANCE);
    }

    private static long endAfter(long position, long indexEntries) {
        long entries = Math.min(SparseIndex.MAX_COUNT, indexEntries + 2);
        return position + Format.frameBytes(SealFrame.bytes(entries)) + CLOSING_BYTES;
    }
}
