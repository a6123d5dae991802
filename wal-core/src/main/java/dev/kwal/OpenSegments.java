package dev.kwal;

import dev.kwal.storage.SegmentReader;
import dev.kwal.storage.WalStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Segments of a log, oldest first, a number of them opened ahead, since the oldest are deleted first. One thread. */
final class OpenSegments implements Closeable {
    private static final int AHEAD = 256;

    private final WalStore store;
    private final Deque<Segment> waiting;
    private final Deque<Opened> opened = new ArrayDeque<>();

    private @Nullable Opened current;

    /** One of them, opened. */
    record Opened(Segment segment, SegmentReader reader) {
        /** Fills the block from a position on, up to where the log ends in the segment at most. */
        void read(long position, ByteBuffer block) throws IOException {
            block.clear().limit((int) Math.min(block.capacity(), segment.endPosition() - position));
            reader.read(position, block);
            block.flip();
            if (!block.hasRemaining()) {
                throw new NoSuchFileException("segment " + segment.sequence() + " at byte " + position);
            }
        }
    }

    OpenSegments(WalStore store, List<Segment> segments) throws IOException {
        this.store = store;
        this.waiting = new ArrayDeque<>(segments);
        try {
            open();
        } catch (Throwable t) {
            closeAfter(t);
            throw t;
        }
    }

    private void open() throws IOException {
        while (opened.size() < AHEAD && !waiting.isEmpty()) {
            var segment = waiting.remove();
            opened.add(new Opened(segment, store.open(segment.sequence())));
        }
    }

    /** The next one, in place of the one before; null if there is none. */
    @Nullable
    Opened next() throws IOException {
        closeCurrent();
        current = opened.poll();
        open();
        return current;
    }

    private void closeCurrent() throws IOException {
        var last = current;
        current = null;
        if (last != null) {
            last.reader().close();
        }
    }

    private void closeAfter(Throwable thrown) {
        try {
            close();
        } catch (IOException e) {
            thrown.addSuppressed(e);
        }
    }

    @Override
    public void close() throws IOException {
        closeCurrent();
        while (!opened.isEmpty()) {
            opened.remove().reader().close();
        }
    }
}
