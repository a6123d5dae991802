package dev.kwal.storage.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** One open file of a {@link Disk}. Thread-safe; every transfer names its position. */
public interface DiskFile extends Closeable {

    /**
     * The most that one call transfers. The JDK copies heap buffers through direct ones of the same size and keeps those
     * with the thread.
     */
    int MAX_TRANSFER_BYTES = 1 << 20;

    /** Reads once; -1 at the end of the file. May be short. */
    int read(ByteBuffer target, long position) throws IOException;

    /** Writes once. May be short. */
    int write(ByteBuffer source, long position) throws IOException;

    long size() throws IOException;

    /** Cuts the file off behind a size that is at most its own. */
    void truncate(long size) throws IOException;

    /** Flushes the data and the size, and all other attributes too where asked. */
    void sync(boolean attributes) throws IOException;

    /** Writes all that remains in the source. After an exception part of it may be written. */
    default void writeAll(ByteBuffer source, long position) throws IOException {
        var end = source.limit();
        var target = position;
        try {
            while (source.position() < end) {
                source.limit(Math.min(end - source.position(), MAX_TRANSFER_BYTES) + source.position());
                var written = write(source, target);
                if (written <= 0) {
                    throw new IOException("write at byte " + target + " made no progress");
                }
                target += written;
            }
        } finally {
            source.limit(end);
        }
    }

    /** Reads until the target is full or the file ends, and says how much that was. */
    default int readAll(ByteBuffer target, long position) throws IOException {
        var start = target.position();
        var end = target.limit();
        try {
            while (target.position() < end) {
                target.limit(Math.min(end - target.position(), MAX_TRANSFER_BYTES) + target.position());
                if (read(target, position + target.position() - start) <= 0) {
                    break;
                }
            }
        } finally {
            target.limit(end);
        }
        return target.position() - start;
    }

    /** Writes zeros from one position up to another; none if that is not behind it. */
    default void writeZeros(long from, long to) throws IOException {
        var zeros = Zeros.BYTES.duplicate();
        for (var position = from; position < to; position += zeros.limit()) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), to - position));
            writeAll(zeros, position);
        }
    }

    /**
     * One transfer of zeros for all, made when first needed. A small one: the page cache of Linux keeps what was written at
     * once together, and each short write into it looks at all of that.
     */
    final class Zeros {
        private static final int COUNT = 256 << 10;
        private static final ByteBuffer BYTES = ByteBuffer.allocateDirect(COUNT).asReadOnlyBuffer();

        private Zeros() {}
    }
}
