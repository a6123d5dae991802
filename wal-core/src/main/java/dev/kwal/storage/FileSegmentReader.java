package dev.kwal.storage;

import dev.kwal.storage.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Reads a segment file. */
final class FileSegmentReader implements SegmentReader {
    private final DiskFile file;

    FileSegmentReader(DiskFile file) {
        this.file = file;
    }

    @Override
    public long size() throws IOException {
        return file.size();
    }

    @Override
    public int read(long position, ByteBuffer target) throws IOException {
        if (position < 0) {
            throw new IllegalArgumentException("position is negative: " + position);
        }
        return file.readAll(target, position);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
