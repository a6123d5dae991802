package dev.kwal;

import java.util.zip.CRC32C;

/**
 * Checks the frames of one segment that stand in a row in memory.
 *
 * <p>A frame gets its salt before the checksum of the frame before it is computed, since a checksum that reads what was
 * written just before has to wait for it. One thread.
 */
final class FrameCheck {
    private final int salt;
    private final int maxRecordBytes;
    private final long maxFrameBytes;
    private final CRC32C crc = new CRC32C();

    private int stored;

    /**
     * A check that finds frames whole only up to a size.
     *
     * @param salt that of the segment
     * @param maxRecordBytes the longest record
     * @param maxFrameBytes the longest frame of any kind
     */
    FrameCheck(int salt, int maxRecordBytes, long maxFrameBytes) {
        this.salt = salt;
        this.maxRecordBytes = maxRecordBytes;
        this.maxFrameBytes = maxFrameBytes;
    }

    /**
     * Where the first thing stands that is not a whole frame.
     *
     * @param bytes left as they were
     * @param bytesPosition where in the segment they begin
     * @param from where in them the first frame is expected
     * @param to how many bytes there are
     */
    int endOfWhole(byte[] bytes, long bytesPosition, int from, int to) {
        int at = from;
        int frameBytes = putSalt(bytes, bytesPosition, at, to);
        while (frameBytes != 0) {
            int next = at + frameBytes;
            int itsStored = stored;
            int nextBytes = putSalt(bytes, bytesPosition, next, to);
            crc.reset();
            crc.update(bytes, at, frameBytes);
            Format.putCrc(bytes, at, itsStored);
            if ((int) crc.getValue() != itsStored) {
                if (nextBytes != 0) {
                    Format.putCrc(bytes, next, stored);
                }
                return at;
            }
            at = next;
            frameBytes = nextBytes;
        }
        return at;
    }

    /** How long a frame is, whose salt is in its place from now on; 0 if there can be none. */
    private int putSalt(byte[] bytes, long bytesPosition, int at, int to) {
        int frameBytes = Format.plausibleBytes(bytes, at, to, maxRecordBytes);
        if (frameBytes == 0 || frameBytes > maxFrameBytes) {
            return 0;
        }
        stored = Format.putSalt(bytes, at, salt, bytesPosition + at);
        return frameBytes;
    }
}
