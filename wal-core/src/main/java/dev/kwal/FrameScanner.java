package dev.kwal;

import dev.kwal.storage.SegmentReader;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Reads the frames of one segment one after the other, each checked before anything of it is believed.
 *
 * <p>Always: {@link #position()} is where the next frame is expected; the fields of the last frame stay readable until the
 * next step. Needs one block of memory, and more only for a frame that fits the limit and the bytes present. Frames between
 * the position and {@code checkedEnd} are in the block and were checked. One thread.
 */
final class FrameScanner implements Closeable {
    static final int BLOCK_BYTES = 128 << 10;

    /** What is read first: often all that there is, or all that is wanted. */
    private static final int FIRST_BLOCK_BYTES = 4 << 10;

    private static final int BLOCK_GROWTH = 8;
    private static final int WORD_BYTES = 8;

    private final SegmentReader reader;
    private final int salt;
    private final int maxRecordBytes;
    private final long maxFrameBytes;
    private final int blockBytes;
    private final CRC32C crc = new CRC32C();
    private final FrameCheck check;

    private FrameBlock memory = new FrameBlock(0);
    /** Of {@code memory}, as is {@code array}. */
    private ByteBuffer block = memory.bytes;

    private byte[] array = memory.array;
    private int nextBlockBytes;
    private long blockPosition;
    private long position;
    private long framePosition;
    private String problem = "";
    private long scannedBytes;
    private boolean checksAhead;
    private boolean readsAhead;
    private @Nullable ReadAhead ahead;
    private long checkedEnd;

    /** What stands at a position. */
    enum Step {
        /** A whole frame; its fields can be read. */
        FRAME,
        /** Nothing: the segment ends here, or the length word is zero. */
        END,
        /** Something that is not a whole frame. */
        BAD,
        /** A whole frame that is longer than the limit; the scanner stays before it. */
        TOO_LONG
    }

    /**
     * Begins at the first frame.
     *
     * @param maxRecordBytes the longest record to read
     * @param blockBytes how much is read at once, after smaller blocks in the beginning
     */
    FrameScanner(SegmentReader reader, SegmentHeader header, int maxRecordBytes, int blockBytes) {
        this.maxRecordBytes = maxRecordBytes;
        this.reader = reader;
        this.salt = Format.salt(header);
        long maxPayloadBytes = Math.max((long) maxRecordBytes, SealFrame.maxBytes());
        this.maxFrameBytes = Format.frameBytes(Format.MAX_EXTENSION_BYTES + maxPayloadBytes);
        this.check = new FrameCheck(salt, maxRecordBytes, maxFrameBytes);
        this.blockBytes = blockBytes;
        this.nextBlockBytes = Math.min(FIRST_BLOCK_BYTES, blockBytes);
        this.position = Format.HEADER_BYTES;
    }

    /** Where the next frame is expected. */
    long position() {
        return position;
    }

    /**
     * For who wants all frames in a row: those of a block are checked in one go.
     *
     * @param onAnotherThread whether further blocks are read, and perhaps checked, on another thread meanwhile
     */
    void checkAhead(boolean onAnotherThread) {
        checksAhead = true;
        readsAhead = onAnotherThread && ReadAhead.isUseful() && blockBytes == BLOCK_BYTES;
    }

    /** Takes the memory over from a scanner that is closed. */
    void takeBlocksOf(FrameScanner closed) {
        ahead = closed.ahead;
        hold(closed.memory);
        block.limit(0);
        nextBlockBytes = Math.min(closed.nextBlockBytes, blockBytes);
    }

    /** Takes over what somebody has read already. */
    void beginWith(FrameBlock read, long itsPosition) {
        hold(read);
        blockPosition = itsPosition;
    }

    private void hold(FrameBlock held) {
        memory = held;
        block = held.bytes;
        array = held.array;
    }

    /** Goes on elsewhere: at a frame found before. */
    void seek(long itsPosition) {
        position = itsPosition;
        checkedEnd = 0;
        stopReadingAhead();
    }

    /** Forgets what was read ahead, because more may have been written since. */
    void refresh() {
        blockPosition = 0;
        checkedEnd = 0;
        block.limit(0);
        stopReadingAhead();
    }

    /** How many bytes of frames were checked. */
    long scannedBytes() {
        return scannedBytes;
    }

    /** Why the last step was bad. */
    String problem() {
        return problem;
    }

    /** Looks at the frame at {@link #position()} and moves behind it if it is whole. */
    Step next() throws IOException {
        if (position < checkedEnd || takeAhead()) {
            step();
            return Step.FRAME;
        }
        var step = check();
        if (step == Step.FRAME && checksAhead) {
            checkBlock(at(position));
            readAhead();
        }
        return step;
    }

    /**
     * Moves behind the next frame if it is this record and was checked along with others; otherwise does nothing.
     *
     * @param endPosition where in the segment the log ends
     */
    boolean nextChecked(long lsn, long endPosition) {
        if (position >= checkedEnd || position >= endPosition || !Format.isRecord(array, at(position), lsn)) {
            return false;
        }
        step();
        return true;
    }

    /** Over a frame that was checked. */
    private void step() {
        framePosition = position;
        position += Format.align(Format.length(array, at(position)));
    }

    private Step check() throws IOException {
        long available = fill(position, Format.FRAME_HEADER_BYTES);
        if (available < WORD_BYTES) {
            return available == 0 || Format.isZero(block, at(position), (int) available)
                    ? Step.END
                    : bad("a few stray bytes");
        }
        if (Format.length(block, at(position)) == 0) {
            return Step.END;
        }
        if (available < Format.FRAME_HEADER_BYTES) {
            return bad("the frame header is cut off");
        }
        long room = (long) block.limit() - at(position);
        long frameBytes = Format.align(Format.length(block, at(position)));
        if (frameBytes > room) {
            room = reader.size() - position;
        }
        if (!Format.isPlausible(block, at(position), room)) {
            return bad(frameBytes > room ? "the frame runs past the end" : "not a frame");
        }
        if (frameBytes > maxFrameBytes) {
            return checkPiecewise(frameBytes) ? Step.TOO_LONG : bad("the checksum is wrong");
        }
        if (fill(position, (int) frameBytes) < frameBytes) {
            return bad("the frame runs past the end");
        }
        scannedBytes += frameBytes;
        if (!Format.hasValidCrc(block, at(position), salt, position, crc)) {
            return bad("the checksum is wrong");
        }
        framePosition = position;
        if (kind() == Format.RECORD && payloadBytes() > maxRecordBytes) {
            return Step.TOO_LONG;
        }
        position += frameBytes;
        return Step.FRAME;
    }

    /** Checks what is whole in the block from there on. What is not whole is looked at in its turn. */
    private void checkBlock(int from) {
        int end = check.endOfWhole(array, blockPosition, from, block.limit());
        scannedBytes += end - from;
        checkedEnd = blockPosition + end;
    }

    // -- on another thread

    /** Begins to read ahead behind a block, once blocks are long. */
    private void readAhead() {
        if (readsAhead && block.capacity() == BLOCK_BYTES && block.limit() == BLOCK_BYTES && checkedEnd > position) {
            if (ahead == null) {
                ahead = new ReadAhead();
            }
            readsAhead = false;
            ahead.begin(reader, new FrameCheck(salt, maxRecordBytes, maxFrameBytes), checkedEnd);
        }
    }

    /** Goes over to the next block that was read ahead. False if there is none, or no whole frame at the position. */
    private boolean takeAhead() {
        if (ahead == null || position != ahead.position()) {
            return false;
        }
        var next = ahead.take(memory);
        if (next == null) {
            return false;
        }
        hold(next);
        blockPosition = position;
        int end = ahead.checkedEnd();
        scannedBytes += end;
        checkedEnd = position + end;
        if (end == 0) {
            checkBlock(0);
        }
        return position < checkedEnd;
    }

    private void stopReadingAhead() {
        if (ahead != null) {
            ahead.stop();
        }
    }

    private Step bad(String what) {
        problem = what;
        return Step.BAD;
    }

    private int at(long itsPosition) {
        return (int) (itsPosition - blockPosition);
    }

    /**
     * Makes the bytes from {@code from} on readable in the block.
     *
     * @return how many there are, at most {@code bytes}
     */
    private long fill(long from, int bytes) throws IOException {
        if (from < blockPosition || from + bytes > blockPosition + block.limit()) {
            int wanted = Math.max(bytes, nextBlockBytes);
            if (block.capacity() < wanted || (block.capacity() > blockBytes && wanted <= blockBytes)) {
                hold(new FrameBlock(wanted));
            }
            block.clear();
            blockPosition = from;
            try {
                reader.read(from, block);
            } finally {
                block.flip();
            }
            if (block.limit() == block.capacity()) {
                nextBlockBytes = Math.min(nextBlockBytes * BLOCK_GROWTH, blockBytes);
            }
        }
        return Math.min(bytes, blockPosition + block.limit() - from);
    }

    /** Checks a frame too long to be held in memory. */
    private boolean checkPiecewise(long frameBytes) throws IOException {
        int stored = Format.storedCrc(block, at(position));
        int first = (int) Math.min(frameBytes, block.limit() - at(position));
        Format.beginCrc(block, at(position), salt, position, first, crc);
        var piece = ByteBuffer.allocate(BLOCK_BYTES);
        for (long done = first; done < frameBytes; ) {
            piece.clear().limit((int) Math.min(piece.capacity(), frameBytes - done));
            int read = reader.read(position + done, piece);
            if (read == 0) {
                return false;
            }
            crc.update(piece.flip());
            done += read;
        }
        scannedBytes += frameBytes;
        return (int) crc.getValue() == stored;
    }

    // -- the frame of the last step

    long framePosition() {
        return framePosition;
    }

    byte kind() {
        return Format.kind(block, at(framePosition));
    }

    byte flags() {
        return Format.flags(block, at(framePosition));
    }

    long lsn() {
        return Format.lsn(block, at(framePosition));
    }

    /** A durable LSN when the frame was encoded; -1 where the frame gives none. */
    long durableLsn() {
        return Format.durableLsn(block, at(framePosition));
    }

    int payloadBytes() {
        return (int) Format.length(block, at(framePosition)) - Format.FRAME_HEADER_BYTES - extensionBytes();
    }

    /** The tag of a record, or of one that has none {@link WalRecord#NO_TAG}. */
    int tag() {
        long tag = Format.extensionNumber(block, at(framePosition), Format.TAG);
        return tag > 0 && tag <= Integer.MAX_VALUE ? (int) tag : WalRecord.NO_TAG;
    }

    /** When a record was appended, in milliseconds since 1970, or {@link WalRecord#NO_TIME}. */
    long timestampMillis() {
        long millis = Format.extensionNumber(block, at(framePosition), Format.TIMESTAMP);
        return millis >= 0 ? millis : WalRecord.NO_TIME;
    }

    int extensionBytes() {
        return Format.extensionBytes(block, at(framePosition));
    }

    /** The payload in the scanner's buffer, valid until the next step. */
    ByteBuffer payload() {
        var body = body();
        return body.position(body.position() + extensionBytes());
    }

    /** Extension and payload in the scanner's buffer, valid until the next step. */
    ByteBuffer body() {
        int start = at(framePosition) + Format.FRAME_HEADER_BYTES;
        return block.duplicate().order(block.order()).position(start).limit(start + extensionBytes() + payloadBytes());
    }

    /** The payload of a frame that holds one number. */
    long number() {
        return payloadBytes() == Format.POSITION_PAYLOAD_BYTES
                ? block.getLong(at(framePosition) + Format.FRAME_HEADER_BYTES + extensionBytes())
                : 0;
    }

    /** The LSN field of a frame that was {@link Step#TOO_LONG}. */
    long lsnOfTooLong() {
        return Format.lsn(block, at(position));
    }

    /** The length of a frame that was {@link Step#TOO_LONG}. */
    long payloadBytesOfTooLong() {
        return Format.length(block, at(position))
                - Format.FRAME_HEADER_BYTES
                - Format.extensionBytes(block, at(position));
    }

    @Override
    public void close() throws IOException {
        stopReadingAhead();
        reader.close();
    }
}
