package dev.kwal.storage;

import dev.kwal.storage.disk.DiskFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/** Reads a file from its start, a block at a time. One thread. */
final class FileInput extends InputStream {
    private static final int BLOCK_BYTES = 64 * 1024;

    private final DiskFile file;
    private final ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).limit(0);
    private long position;

    FileInput(DiskFile file) {
        this.file = file;
    }

    @Override
    public int read() throws IOException {
        return fill() ? block.get() & 0xff : -1;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (length == 0) {
            return 0;
        }
        if (!fill()) {
            return -1;
        }
        var count = Math.min(length, block.remaining());
        block.get(bytes, offset, count);
        return count;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    /** Whether there is another byte. */
    private boolean fill() throws IOException {
        if (!block.hasRemaining()) {
            block.clear();
            var count = 0;
            try {
                count = file.readAll(block, position);
            } finally {
                // After a failure there is nothing in the block.
                block.position(0).limit(count);
                position += count;
            }
        }
        return block.hasRemaining();
    }
}
