package dev.kwal.storage;

import dev.kwal.storage.disk.DiskFile;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes a file from its start, a block at a time. Closing and flushing it do nothing.
 *
 * <p>After a failure it is good for nothing, and says so at the end to one who did not hear. One thread.
 */
final class FileOutput extends OutputStream {
    private static final int BLOCK_BYTES = 64 * 1024;

    private final DiskFile file;
    private final ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES);
    private long position;
    private boolean hasEnded;
    private @Nullable IOException failure;

    FileOutput(DiskFile file) {
        this.file = file;
    }

    @Override
    public void write(int octet) throws IOException {
        makeRoom();
        block.put((byte) octet);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        var done = 0;
        while (done < length) {
            makeRoom();
            var count = Math.min(length - done, block.remaining());
            block.put(bytes, offset + done, count);
            done += count;
        }
    }

    /** Writes what is in the block; nothing can be written any more. */
    void end() throws IOException {
        writeBlock();
        hasEnded = true;
    }

    private void makeRoom() throws IOException {
        if (hasEnded) {
            throw new IOException("the snapshot is complete");
        }
        if (!block.hasRemaining()) {
            writeBlock();
        }
    }

    private void writeBlock() throws IOException {
        if (failure != null) {
            throw new IOException("a write has failed before", failure);
        }
        block.flip();
        var length = block.remaining();
        try {
            file.writeAll(block, position);
        } catch (IOException e) {
            failure = e;
            throw e;
        } finally {
            block.clear();
        }
        position += length;
    }
}
