package dev.kwal.storage;

import dev.kwal.storage.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import org.jspecify.annotations.Nullable;

/**
 * Appends to a segment file at a position of its own, inside space that was prepared and beyond it.
 *
 * <p>Always: after a failed append or sync nothing touches the file again but its closing.
 */
final class FileSegmentWriter implements SegmentWriter {
    private final DiskFile file;
    private long position;
    private long preparedPosition;
    private boolean trims;
    private volatile @Nullable Throwable failure;
    private volatile boolean closed;

    /**
     * @param position where the next byte goes
     * @param resumed the file was in use before, and space behind the position is given back even if nothing is appended;
     *     a new file that was never used stays prepared
     * @param preparedPosition up to where space was written ahead
     */
    FileSegmentWriter(DiskFile file, long position, boolean resumed, long preparedPosition) {
        this.file = file;
        this.position = position;
        this.trims = resumed;
        this.preparedPosition = preparedPosition;
    }

    @Override
    public long prepare(long endPosition) throws IOException {
        requireUsable();
        if (endPosition > preparedPosition) {
            file.writeZeros(Math.max(position, preparedPosition), endPosition);
            preparedPosition = endPosition;
        }
        return preparedPosition;
    }

    @Override
    public void append(ByteBuffer bytes) throws IOException {
        requireUsable();
        trims = true;
        var length = bytes.remaining();
        try {
            file.writeAll(bytes, position);
        } catch (Throwable e) {
            failure = e;
            throw e;
        }
        position += length;
    }

    @Override
    public void sync() throws IOException {
        requireUsable();
        try {
            file.sync(false);
        } catch (Throwable e) {
            failure = e;
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        try (file) {
            if (trims && failure == null && file.size() > position) {
                file.truncate(position);
            }
        }
    }

    private void requireUsable() throws IOException {
        if (closed) {
            throw new ClosedChannelException();
        }
        var earlier = failure;
        if (earlier != null) {
            throw new IOException("the segment writer failed before", earlier);
        }
    }
}
