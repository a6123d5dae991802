package dev.kwal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * Frames of one segment in disk format, put one after the other by one thread.
 *
 * <p>Always: holds frames of one segment, back to back, beginning at {@link #begin}'s position. Guarded by its owner.
 */
final class FrameBuffer {
    private final ByteBuffer bytes;
    private final CRC32C crc = new CRC32C();
    private int salt;
    private long basePosition;
    private int fill;

    private FrameBuffer(ByteBuffer bytes) {
        this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    }

    static FrameBuffer onHeap(int capacity) {
        return new FrameBuffer(ByteBuffer.allocate(capacity));
    }

    /** Goes on behind the first {@code fill} bytes of memory that begins at a position of the segment with this salt. */
    static FrameBuffer over(ByteBuffer bytes, int salt, long basePosition, int fill) {
        var frames = new FrameBuffer(bytes);
        frames.salt = salt;
        frames.basePosition = basePosition;
        frames.fill = fill;
        return frames;
    }

    /** Empties the buffer; the next frame goes to {@code position} of the segment with this salt. */
    void begin(int itsSalt, long position) {
        salt = itsSalt;
        basePosition = position;
        fill = 0;
    }

    int salt() {
        return salt;
    }

    boolean isEmpty() {
        return fill == 0;
    }

    boolean hasRoomFor(long frameBytes) {
        return frameBytes <= bytes.capacity() - fill;
    }

    int fill() {
        return fill;
    }

    /** Where in the segment the next frame goes. */
    long endPosition() {
        return basePosition + fill;
    }

    void putRecord(ByteBuffer record, byte flags, long lsn, long durableLsn) {
        putRecord(record, 0, flags, lsn, durableLsn);
    }

    /** @param body the extension, so many bytes, and the record */
    void putRecord(ByteBuffer body, int extensionBytes, byte flags, long lsn, long durableLsn) {
        int length = body.remaining();
        bytes.put(fill + Format.FRAME_HEADER_BYTES, body, body.position(), length);
        finish(Format.RECORD, flags, lsn, durableLsn, extensionBytes, length);
    }

    void putOpen(OpenFrame open) {
        open.put(bytes, fill + Format.FRAME_HEADER_BYTES);
        finish(Format.OPEN, Format.SINGLE, open.baseLsn() - 1, open.baseLsn() - 1, Format.OPEN_PAYLOAD_BYTES);
    }

    /** A HEAD frame: the first live LSN. */
    void putHead(long firstLsn, long lsn, long durableLsn) {
        putNumber(Format.HEAD, firstLsn, lsn, durableLsn);
    }

    /** A MARK or CLOSE frame: everything of this segment before {@code syncedPosition} was synced, and all through the LSN. */
    void putMark(byte kind, long syncedPosition, long lsn, long durableLsn) {
        putNumber(kind, syncedPosition, lsn, durableLsn);
    }

    private void putNumber(byte kind, long number, long lsn, long durableLsn) {
        bytes.putLong(fill + Format.FRAME_HEADER_BYTES, number);
        finish(kind, Format.SINGLE, lsn, durableLsn, Format.POSITION_PAYLOAD_BYTES);
    }

    void putSeal(SealFrame seal, long lsn, long durableLsn) {
        seal.put(bytes, fill + Format.FRAME_HEADER_BYTES, endPosition());
        finish(Format.SEAL, Format.SINGLE, lsn, durableLsn, seal.bytes());
    }

    private void finish(byte kind, byte flags, long lsn, long durableLsn, int payloadBytes) {
        finish(kind, flags, lsn, durableLsn, 0, payloadBytes);
    }

    private void finish(byte kind, byte flags, long lsn, long durableLsn, int extensionBytes, int bodyBytes) {
        Format.sealFrame(
                bytes, fill, salt, endPosition(), kind, flags, lsn, durableLsn, extensionBytes, bodyBytes, crc);
        fill += (int) Format.frameBytes(bodyBytes);
    }

    /** The frames, for one write. */
    ByteBuffer frames() {
        return bytes.duplicate().position(0).limit(fill);
    }
}
