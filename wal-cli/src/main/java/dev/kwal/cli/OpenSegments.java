package dev.kwal.cli;

import dev.kwal.SegmentInfo;
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

/** The segments of a log, oldest first, a number of them opened ahead, since the oldest are deleted first. One thread. */
final class OpenSegments implements Closeable {
    private static final int AHEAD = 256;

    private final WalStore store;
    private final Deque<SegmentInfo> waiting;
    private final Deque<Segment> opened = new ArrayDeque<>();

    private @Nullable Segment current;

    /** One of them, opened. */
    record Segment(SegmentInfo info, SegmentReader reader) {
        /** Fills the block from a position on, up to the end of the segment at most. */
        void read(long position, long end, ByteBuffer block) throws IOException {
            block.clear().limit((int) Math.min(block.capacity(), end - position));
            reader.read(position, block);
            block.flip();
            if (!block.hasRemaining()) {
                throw new NoSuchFileException("segment " + info.sequence() + " at byte " + position);
            }
        }
    }

    OpenSegments(WalStore store, List<SegmentInfo> segments) throws IOException {
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
            var info = waiting.remove();
            opened.add(new Segment(info, store.open(info.sequence())));
        }
    }

    /** The next one, in place of the one before; null if there is none. */
    @Nullable
    Segment next() throws IOException {
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
