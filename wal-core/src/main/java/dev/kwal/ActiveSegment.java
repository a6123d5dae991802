package dev.kwal;

import dev.kwal.storage.SegmentWriter;

/**
 * The one segment being written.
 *
 * <p>Always: {@code syncedPosition <= writtenPosition}; both count bytes from the start of the segment. Guarded by the lock
 * of the write path, but for the writer, which the current leader calls.
 */
final class ActiveSegment {
    private final SegmentHeader header;
    private final OpenFrame open;
    private final SegmentWriter writer;
    private final SparseIndex index;
    private final int salt;
    private final long beginNanos;

    private long writtenPosition;
    private long syncedPosition;
    private boolean endsWithClose;

    ActiveSegment(
            SegmentHeader header,
            OpenFrame open,
            SegmentWriter writer,
            SparseIndex index,
            long position,
            boolean endsWithClose,
            long beginNanos) {
        this.header = header;
        this.open = open;
        this.writer = writer;
        this.index = index;
        this.salt = Format.salt(header);
        this.writtenPosition = position;
        this.syncedPosition = position;
        this.endsWithClose = endsWithClose;
        this.beginNanos = beginNanos;
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

    boolean hasRecords() {
        return index.count() > 0;
    }

    long writtenPosition() {
        return writtenPosition;
    }

    void written(long position) {
        writtenPosition = position;
        endsWithClose = false;
    }

    long syncedPosition() {
        return syncedPosition;
    }

    void synced(long position) {
        syncedPosition = Math.max(syncedPosition, position);
    }

    /** Whether nothing was written since the log was closed. */
    boolean endsWithClose() {
        return endsWithClose;
    }
}
