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
 * <p>Always: keeps at most {@link #WINDOW_BYTES} and one record, reads at most {@link #MAX_BYTES} and one record before it tries
 * with fewer, and delivers nothing that a truncation gave up since it began. One thread.
 */
final class ReverseCursor implements WalCursor {
    private static final int WINDOW_BYTES = 256 << 10;
    private static final int MAX_BYTES = 4 * WINDOW_BYTES;
    private static final int MAX_SPAN = 4096;
    private static final int FIRST_SPAN = 16;

    private final Source source;
    private final LogView view;
    private final WalRange range;
    private final Deque<WalRecord> window = new ArrayDeque<>();
    private long toLsn;
    private long truncations;
    private int span = FIRST_SPAN;
    private @Nullable WalRecord current;
    private boolean isClosed;

    /** Where it reads. */
    interface Source {
        /** A cursor in order over what there is from one LSN to another. */
        WalCursor open(long fromLsn, long toLsn) throws IOException;
    }

    /** @param range with the first and the last record to read as its ends */
    ReverseCursor(Source source, LogView view, WalRange range) {
        this.source = source;
        this.view = view;
        this.range = range;
        this.toLsn = range.toLsn();
        this.truncations = view.truncations();
    }

    @Override
    public boolean next() throws IOException {
        if (isClosed) {
            throw new IllegalStateException("the cursor is closed");
        }
        current = null;
        while (window.isEmpty() && range.fromLsn() <= toLsn) {
            fill();
        }
        var next = window.peekLast();
        if (next != null) {
            requireKept(next.lsn());
            current = window.pollLast();
        }
        return next != null;
    }

    @Override
    public boolean next(Duration timeout) throws IOException {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout is " + timeout + ", expected 0 or more");
        }
        return next();
    }

    /** What comes in the place of records that were given up is none of this cursor's. */
    private void requireKept(long lsn) throws WalGoneException {
        if (view.truncations() != truncations) {
            long cut = view.lowestCutSince(truncations);
            if (lsn >= cut) {
                throw new WalGoneException(lsn, "given up by a truncation after LSN " + (cut - 1));
            }
        }
    }

    /** Keeps the last records before those that were delivered. */
    private void fill() throws IOException {
        boolean isFilled = false;
        while (!isFilled) {
            requireKept(toLsn);
            long firstLsn = view.currentFirstLsn();
            if (toLsn < firstLsn) {
                throw new WalGoneException(toLsn, "dropped by a checkpoint, the first is " + firstLsn);
            }
            long from = Math.max(Math.max(range.fromLsn(), firstLsn), toLsn - span + 1);
            try {
                isFilled = fill(from);
            } catch (WalGoneException | IllegalArgumentException e) {
                requireKept(toLsn);
                if (view.currentFirstLsn() <= from) {
                    throw e;
                }
            } finally {
                if (!isFilled) {
                    window.clear();
                }
            }
        }
    }

    /** Whether these were not too many to read. */
    private boolean fill(long fromLsn) throws IOException {
        long readBytes = 0;
        long keptBytes = 0;
        long keptFrom = fromLsn;
        long lastLsn = fromLsn - 1;
        try (var cursor = source.open(fromLsn, toLsn)) {
            while (cursor.next()) {
                lastLsn = cursor.lsn();
                readBytes += cursor.length();
                if (readBytes > MAX_BYTES && toLsn - lastLsn > span / 2) {
                    span = Math.max(1, span / 2);
                    return false;
                }
                if (range.includes(cursor.tag())) {
                    window.addLast(cursor.record());
                    keptBytes += cursor.length();
                }
                while (keptBytes > WINDOW_BYTES && window.size() > 1) {
                    keptBytes -= window.removeFirst().length();
                    keptFrom = window.getFirst().lsn();
                }
            }
        }
        requireKept(toLsn);
        if (lastLsn != toLsn) {
            throw new WalGoneException(toLsn, "given up by a truncation");
        }
        long kept = toLsn - keptFrom + 1;
        span = (int) (readBytes > WINDOW_BYTES / 2 ? kept : Math.min(2L * span, MAX_SPAN));
        toLsn = keptFrom - 1;
        return true;
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
