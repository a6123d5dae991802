package dev.kwal.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Reads one segment by position. Thread-safe. Sees what was appended before the read began. */
public interface SegmentReader extends Closeable {

    /**
     * The bytes that can be read now. May grow, and may count space that was prepared and not written.
     *
     * @throws IOException if the medium fails
     */
    long size() throws IOException;

    /**
     * Reads from a position until the buffer is full or the segment ends.
     *
     * @param position absolute, not negative
     * @param target filled from its position on
     * @return how many bytes were read: fewer than the buffer has room for at the end of the segment only; 0 at or behind
     *     the end
     * @throws IOException if the medium fails
     */
    int read(long position, ByteBuffer target) throws IOException;
}
