package dev.kwal;

import dev.kwal.storage.SegmentReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/** The bytes of a segment that belong to the log, from its first. One thread. */
final class SegmentInput extends InputStream {
    private final SegmentReader reader;
    private final long endPosition;
    private long position;

    SegmentInput(SegmentReader reader, long endPosition) {
        this.reader = reader;
        this.endPosition = endPosition;
    }

    @Override
    public int read() throws IOException {
        var octet = new byte[1];
        return read(octet, 0, 1) < 0 ? -1 : octet[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (length == 0) {
            return 0;
        }
        if (position == endPosition) {
            return -1;
        }
        int wanted = (int) Math.min(length, endPosition - position);
        int count = reader.read(position, ByteBuffer.wrap(bytes, offset, wanted));
        if (count <= 0) {
            throw new EOFException("the segment ends at byte " + position + ", expected " + endPosition);
        }
        position += count;
        return count;
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
