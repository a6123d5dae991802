package dev.kwal;

import dev.kwal.storage.SegmentReader;
import java.io.Closeable;
import java.io.IOException;

/**
 * Walks over the frames of one opened segment, in order, and notes what they say. Can go on later where it stopped.
 *
 * <p>Always: everything up to {@link #lastLsn()} is whole and without a gap; a batch counts when its last record is there.
 * One thread.
 */
final class TailScan implements Closeable {
    private final SegmentHeader header;
    private final OpenFrame open;
    private final SegmentReader reader;
    private final FrameScanner scanner;
    private final SparseIndex index = new SparseIndex();

    private FrameScanner.Step step = FrameScanner.Step.END;
    private long nextLsn;
    private long lastLsn;
    private long lastRecordEnd;
    private long batchPosition;
    private long meaningfulEnd;
    private long durableLsn;
    private long syncedPosition;
    private long firstLsn;
    private byte lastKind = Format.OPEN;

    TailScan(SegmentReader reader, SegmentHeader header, OpenFrame open, WalOptions options) {
        this.reader = reader;
        this.header = header;
        this.open = open;
        this.scanner = new FrameScanner(reader, header, options.maxRecordBytes(), FrameScanner.BLOCK_BYTES);
        this.scanner.checkAhead(options.readAhead());
        this.nextLsn = open.baseLsn();
        this.lastLsn = open.baseLsn() - 1;
        this.durableLsn = lastLsn;
        this.firstLsn = open.firstLsn();
    }

    /**
     * Goes on until something is not a whole frame.
     *
     * @throws WalFormatException if a record is longer than the limit
     * @throws WalCorruptedException if a whole frame cannot stand where it does
     */
    void advance() throws IOException {
        advanceTo(Segment.UNKNOWN);
    }

    /** Like {@link #advance()}, up to a position at the most. */
    void advanceTo(long endPosition) throws IOException {
        scanner.refresh();
        while (scanner.position() < endPosition && (step = scanner.next()) == FrameScanner.Step.FRAME) {
            note();
        }
        if (step == FrameScanner.Step.TOO_LONG) {
            throw new WalFormatException(
                    header.sequence(),
                    "record " + scanner.lsnOfTooLong() + " at byte " + scanner.position() + " has "
                            + scanner.payloadBytesOfTooLong() + " bytes, more than maxRecordBytes");
        }
    }

    private void note() throws IOException {
        byte kind = scanner.kind();
        if (lastKind == Format.SEAL) {
            throw corrupt("a frame stands behind the seal");
        }
        if (kind == Format.OPEN && scanner.framePosition() != Format.HEADER_BYTES) {
            throw corrupt("an OPEN frame stands inside the segment");
        }
        long expected = kind == Format.RECORD ? nextLsn : nextLsn - 1;
        if (scanner.lsn() != expected) {
            throw corrupt("the frame has LSN " + scanner.lsn() + ", expected " + expected);
        }
        durableLsn = Math.max(durableLsn, Math.min(scanner.durableLsn(), scanner.lsn()));
        if (kind == Format.RECORD) {
            noteRecord();
        } else if (batchPosition != 0) {
            throw corrupt("a batch is not ended");
        } else if (kind == Format.HEAD) {
            if (scanner.number() < 1 || scanner.number() > nextLsn) {
                throw corrupt("the HEAD frame names LSN " + scanner.number() + ", expected 1 to " + nextLsn);
            }
            firstLsn = Math.max(firstLsn, scanner.number());
            meaningfulEnd = scanner.position();
        } else if (kind == Format.OPEN) {
            meaningfulEnd = scanner.position();
        } else if (kind != Format.SEAL) {
            syncedPosition = Math.max(syncedPosition, Math.min(scanner.number(), scanner.framePosition()));
        }
        lastKind = kind;
    }

    private void noteRecord() throws WalCorruptedException {
        byte flags = scanner.flags();
        boolean continues = flags == Format.BATCH_MIDDLE || flags == Format.BATCH_END;
        if (continues == (batchPosition == 0)) {
            throw corrupt(continues ? "a batch has no beginning" : "a batch is not ended");
        }
        index.add(nextLsn, scanner.framePosition());
        nextLsn++;
        if (flags == Format.BATCH_BEGIN) {
            batchPosition = scanner.framePosition();
        } else if (flags != Format.BATCH_MIDDLE) {
            batchPosition = 0;
            lastLsn = nextLsn - 1;
            lastRecordEnd = scanner.position();
            meaningfulEnd = lastRecordEnd;
        }
    }

    /** A frame behind the stop vouches for records, too. */
    void noteDurable(long lsn) {
        durableLsn = Math.max(durableLsn, Math.min(lsn, lastLsn));
    }

    private WalCorruptedException corrupt(String what) {
        return new WalCorruptedException(header.sequence(), scanner.framePosition(), nextLsn, what);
    }

    SegmentHeader header() {
        return header;
    }

    OpenFrame open() {
        return open;
    }

    SegmentReader reader() {
        return reader;
    }

    SparseIndex index() {
        return index;
    }

    /** The last whole record, or last record of a whole batch; the one before the base if there is none. */
    long lastLsn() {
        return lastLsn;
    }

    /** The last whole record, of a batch without its end perhaps. */
    long lastSeenLsn() {
        return nextLsn - 1;
    }

    /** The first live LSN that this segment knows. */
    long firstLsn() {
        return firstLsn;
    }

    /** The highest durable LSN that a frame vouches for. A batch without its end counts for nothing, whoever vouches for it. */
    long durableLsn() {
        return Math.min(durableLsn, lastLsn);
    }

    boolean isEffective() {
        return lastLsn >= open.validThroughLsn();
    }

    boolean isClosed() {
        return lastKind == Format.CLOSE;
    }

    /** Where the close mark begins, if the log is closed. */
    long closePosition() {
        return scanner.framePosition();
    }

    boolean isSealed() {
        return lastKind == Format.SEAL;
    }

    /** Where the scan stopped. */
    long stopPosition() {
        return scanner.position();
    }

    /** Where the log ends: the same, or the beginning of a batch whose end is missing. */
    long endPosition() {
        return batchPosition != 0 ? batchPosition : scanner.position();
    }

    boolean hasIncompleteBatch() {
        return batchPosition != 0;
    }

    long scannedBytes() {
        return scanner.scannedBytes();
    }

    /** Why the scan stopped, for a message. */
    String problem() {
        return step == FrameScanner.Step.BAD ? scanner.problem() : "the log ends";
    }

    /** Whether the segment holds nothing behind the stop. */
    boolean stopsAtTheEnd() throws IOException {
        return scanner.position() >= reader.size();
    }

    /** Everything before this position is proven synced. */
    long provenPosition(int maxRecordBytes) throws IOException {
        long proven = Format.HEADER_BYTES;
        if (durableLsn() >= open.baseLsn()) {
            proven = durableLsn() == lastLsn ? lastRecordEnd : endOf(durableLsn(), maxRecordBytes);
        }
        return Math.max(proven, syncedPosition);
    }

    /** Whether there are records, or facts as important, that are not proven synced. */
    boolean hasUnproven(long provenPosition) {
        return meaningfulEnd > provenPosition;
    }

    private long endOf(long lsn, int maxRecordBytes) throws IOException {
        var search = new FrameScanner(reader, header, maxRecordBytes, FrameScanner.BLOCK_BYTES);
        search.seek(index.floor(lsn, Format.HEADER_BYTES));
        while (search.next() == FrameScanner.Step.FRAME) {
            if (search.kind() == Format.RECORD && search.lsn() == lsn) {
                return search.position();
            }
        }
        throw new WalCorruptedException(
                header.sequence(), search.position(), lsn, "a record that was just read is gone");
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
