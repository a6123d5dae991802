package dev.kwal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Reads a range of records against their order: some of the last forwards, which it keeps, then some before those.
 *
 * <p>Always: keeps at most {@link #WINDOW_BYTES} and one record. One thread.
 */
final class ReverseCursor implements WalCursor {
    private static final int WINDOW_BYTES = 256 << 10;
    private static final int MAX_SPAN = 4096;
    private static final int FIRST_SPAN = 16;

    private final Source source;
    private final long fromLsn;
    private final Deque<WalRecord> window = new ArrayDeque<>();
    private long toLsn;
    private int span = FIRST_SPAN;
    private @Nullable WalRecord current;
    private boolean isClosed;

    /** Where it reads. */
    interface Source {
        /** A cursor in order over what there is from one LSN to another. */
        WalCursor open(long fromLsn, long toLsn) throws IOException;
    }

    ReverseCursor(Source source, long fromLsn, long toLsn) {
        this.source = source;
        this.fromLsn = fromLsn;
        this.toLsn = toLsn;
    }

    @Override
    public boolean next() throws IOException {
        if (isClosed) {
            throw new IllegalStateException("the cursor is closed");
        }
        current = null;
        if (window.isEmpty() && fromLsn <= toLsn) {
            fill();
        }
        current = window.pollLast();
        return current != null;
    }

    @Override
    public boolean next(Duration timeout) throws IOException {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout is " + timeout + ", expected 0 or more");
        }
        return next();
    }

    /** Keeps the last records before those that were delivered. */
    private void fill() throws IOException {
        long bytes = 0;
        try (var cursor = source.open(Math.max(fromLsn, toLsn - span + 1), toLsn)) {
            while (cursor.next()) {
                window.addLast(cursor.record());
                bytes += cursor.length();
                while (bytes > WINDOW_BYTES && window.size() > 1) {
                    bytes -= window.removeFirst().length();
                }
            }
        } catch (Throwable t) {
            window.clear();
            throw t;
        }
        if (window.isEmpty() || window.getLast().lsn() != toLsn) {
            window.clear();
            throw new WalGoneException(toLsn, "given up by a truncation");
        }
        span = bytes > WINDOW_BYTES / 2 ? window.size() : Math.min(2 * span, MAX_SPAN);
        toLsn = window.getFirst().lsn() - 1;
    }

    private WalRecord current() {
        var record = current;
        if (record == null) {
            throw new IllegalStateException("there is no current record");
        }
        return record;
    }

    @Override
    public long lsn() {
        return current().lsn();
    }

    @Override
    public int length() {
        return current().length();
    }

    @Override
    public int tag() {
        return current().tag();
    }

    @Override
    public long timestampMillis() {
        return current().timestampMillis();
    }

    @Override
    public ByteBuffer view() {
        return current().toByteBuffer();
    }

    @Override
    public WalRecord record() {
        return current();
    }

    @Override
    public void close() {
        isClosed = true;
        current = null;
        window.clear();
    }
}
