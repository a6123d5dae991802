package dev.kwal;

import dev.kwal.storage.SegmentWriter;
import java.io.Closeable;
import java.io.IOException;

/**
 * Copies what the tail of a log that was not closed holds beyond what is proven synced into a fresh segment, and syncs it
 * there. A second flush of the old file would prove nothing if the first one had failed.
 *
 * <p>The fresh segment takes effect only when it is whole: a crash or a failure before that changes nothing.
 */
final class TailCopy implements Closeable {
    private static final int BUFFER_BYTES = 1 << 20;

    private final Analysis analysis;
    private final TailScan tail;
    private final WalOptions options;

    private SparseIndex index = new SparseIndex();
    private long copiedRecords;

    /** What the copy made. */
    record Result(SegmentChain chain, ActiveSegment segment, long lastLsn, long copiedRecords) {}

    TailCopy(Analysis analysis, TailScan tail, WalOptions options) {
        this.analysis = analysis;
        this.tail = tail;
        this.options = options;
    }

    /**
     * Copies and syncs.
     *
     * @param liveLsn records before this one are left out; a checkpoint has dropped them
     * @throws WalNoSpaceException if the segment cannot be prepared and filled; it can be tried again
     */
    Result run(SegmentSource source, long liveLsn) throws WalNoSpaceException {
        var fresh = source.take(SegmentSource.Size.URGENT);
        try {
            return fill(fresh, liveLsn);
        } catch (IOException e) {
            source.discard(fresh, e);
            throw new WalNoSpaceException(e);
        }
    }

    private Result fill(SegmentSource.Prepared fresh, long liveLsn) throws IOException {
        index = new SparseIndex();
        copiedRecords = 0;
        var open = openFrame(liveLsn);
        var writer = fresh.writer();
        var buffer = FrameBuffer.onHeap(
                (int) Math.min(BUFFER_BYTES, Format.frameBytes(Format.OPEN_PAYLOAD_BYTES) + tail.endPosition()));
        buffer.begin(Format.salt(fresh.header()), Format.HEADER_BYTES);
        buffer.putOpen(open);
        write(writer, buffer);
        writer.sync();
        buffer = copyRecords(writer, buffer, open.baseLsn());
        write(writer, buffer);
        writer.sync();
        buffer.putMark(Format.MARK, buffer.endPosition(), tail.lastLsn(), tail.lastLsn());
        write(writer, buffer);
        writer.sync();
        var segment = new ActiveSegment(fresh.header(), open, writer, index, buffer.endPosition());
        return new Result(chainWith(fresh, open), segment, tail.lastLsn(), copiedRecords);
    }

    /** Replaces the tail if nothing of it is proven, and follows it otherwise. */
    private OpenFrame openFrame(long liveLsn) {
        var old = tail.open();
        boolean replaces = replacesTail();
        long firstLsn = Math.max(liveLsn, tail.firstLsn());
        long baseLsn = replaces ? old.baseLsn() : tail.durableLsn() + 1;
        if (firstLsn > baseLsn) {
            // Nothing before it is live: the chain begins here.
            return new OpenFrame(0, 0, 0, firstLsn, firstLsn, old.epoch(), tail.lastLsn(), OpenFrame.Reason.RECOVERY);
        }
        return new OpenFrame(
                replaces ? old.predecessor() : tail.header().sequence(),
                replaces ? old.predecessorNonce() : tail.header().nonce(),
                replaces ? old.predecessorEnd() : analysis.provenPosition(),
                baseLsn,
                firstLsn,
                old.epoch(),
                tail.lastLsn(),
                OpenFrame.Reason.RECOVERY);
    }

    private boolean replacesTail() {
        return analysis.provenPosition() == Format.HEADER_BYTES;
    }

    private SegmentChain chainWith(SegmentSource.Prepared fresh, OpenFrame open) {
        var growing = Segment.growing(fresh.header(), open);
        var last = analysis.chain().last();
        if (open.predecessor() == 0) {
            return SegmentChain.EMPTY.with(null, growing);
        }
        if (!replacesTail()) {
            return analysis.chain().with(last.endingAt(open.baseLsn() - 1, open.predecessorEnd(), false), growing);
        }
        var before = analysis.chain().segments();
        return new SegmentChain(before.subList(0, before.size() - 1)).with(null, growing);
    }

    private FrameBuffer copyRecords(SegmentWriter writer, FrameBuffer first, long baseLsn) throws IOException {
        var buffer = first;
        var scanner =
                new FrameScanner(tail.reader(), tail.header(), options.maxRecordBytes(), FrameScanner.BLOCK_BYTES);
        scanner.seek(analysis.provenPosition());
        while (scanner.position() < tail.endPosition() && scanner.next() == FrameScanner.Step.FRAME) {
            if (scanner.kind() != Format.RECORD || scanner.lsn() < baseLsn) {
                continue;
            }
            var body = scanner.body();
            long frameBytes = Format.frameBytes(body.remaining());
            if (!buffer.hasRoomFor(frameBytes)) {
                write(writer, buffer);
                if (!buffer.hasRoomFor(frameBytes)) {
                    long position = buffer.endPosition();
                    buffer = FrameBuffer.onHeap((int) frameBytes);
                    buffer.begin(first.salt(), position);
                }
            }
            index.add(scanner.lsn(), buffer.endPosition());
            byte flags = flagsOf(scanner, baseLsn);
            buffer.putRecord(body, scanner.extensionBytes(), flags, scanner.lsn(), baseLsn - 1);
            copiedRecords++;
        }
        if (baseLsn + copiedRecords != tail.lastLsn() + 1) {
            throw new IOException(
                    "records that were just read from segment " + tail.header().sequence() + " are gone");
        }
        return buffer;
    }

    /** A batch whose beginning was dropped begins where the copy does. */
    private static byte flagsOf(FrameScanner scanner, long baseLsn) {
        byte flags = scanner.flags();
        if (scanner.lsn() != baseLsn) {
            return flags;
        }
        return switch (flags) {
            case Format.BATCH_MIDDLE -> Format.BATCH_BEGIN;
            case Format.BATCH_END -> Format.SINGLE;
            default -> flags;
        };
    }

    private static void write(SegmentWriter writer, FrameBuffer buffer) throws IOException {
        if (!buffer.isEmpty()) {
            writer.append(buffer.frames());
            buffer.begin(buffer.salt(), buffer.endPosition());
        }
    }

    @Override
    public void close() throws IOException {
        analysis.close();
    }
}
