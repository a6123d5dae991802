package dev.kwal;

import dev.kwal.storage.FileStore;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A log that somebody else may be writing. Knows what the log itself proves to be durable, and looks again when a cursor
 * waits for more.
 *
 * <p>Always: takes no lock on the store, creates and changes nothing. Thread-safe; one thread at a time looks.
 */
final class ReadOnlyWal implements WalReader, LogView {
    private static final int ATTEMPTS = 20;

    private final WalStore store;
    private final WalOptions options;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition closed = lock.newCondition();
    private final RecoveryReport recovery;

    private Analysis analysis;
    private volatile SegmentChain chain;
    private volatile long firstLsn;
    private volatile long durableLsn;
    private volatile boolean isClosed;

    private ReadOnlyWal(WalStore store, WalOptions options, Analysis analysis) {
        this.store = store;
        this.options = options;
        this.analysis = analysis;
        this.recovery = analysis.report(0, 0);
        this.chain = analysis.chain();
        publish();
    }

    static WalReader open(WalStore store, WalOptions options) throws IOException {
        try {
            return new ReadOnlyWal(store, options, analyse(store, options));
        } catch (Throwable t) {
            WalException.note(t, store);
            throw t;
        }
    }

    /** Analyses again as long as the owner changes things meanwhile: what is really wrong is wrong twice in the same way. */
    static Analysis analyse(WalStore store, WalOptions options) throws IOException {
        String last = "";
        for (int attempt = 1; ; attempt++) {
            long[] before = store.segments();
            try {
                return Analysis.of(store, options);
            } catch (IOException e) {
                boolean isSame = last.equals(e.toString()) && Arrays.equals(before, store.segments());
                if (isSame || attempt == ATTEMPTS) {
                    throw e;
                }
                last = e.toString();
            }
        }
    }

    private void publish() {
        var tail = analysis.tail();
        if (tail != null) {
            var segments = analysis.chain();
            var last = segments.last();
            long proven = Math.max(tail.durableLsn(), tail.firstLsn() - 1);
            // Never more than both the old chain and the new one have.
            durableLsn = Math.min(durableLsn, proven);
            chain = segments.cutTo(Segment.growing(last.header(), last.open()));
            firstLsn = tail.firstLsn();
            durableLsn = proven;
        } else {
            firstLsn = 1;
        }
    }

    /** Looks whether the log has grown. */
    private void refresh() throws IOException {
        lock.lock();
        try {
            if (isClosed) {
                return;
            }
            var tail = analysis.tail();
            if (tail == null || hasNewSegments(tail)) {
                var fresh = analyse(store, options);
                analysis.close();
                analysis = fresh;
            } else {
                tail.advance();
            }
            publish();
        } finally {
            lock.unlock();
        }
    }

    /** A segment that is prepared and not begun is nothing new. */
    private boolean hasNewSegments(TailScan tail) throws IOException {
        long[] sequences = store.segments();
        if (!analysis.sequences().equals(Arrays.stream(sequences).boxed().toList())) {
            return true;
        }
        long newest = sequences[sequences.length - 1];
        try {
            return newest != tail.header().sequence()
                    && SegmentProbe.of(store, newest).open() != null;
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    // -- reading

    @Override
    public WalRecord read(long lsn) throws IOException {
        if (lsn > durableLsn) {
            refresh();
        }
        if (lsn < 1 || lsn > durableLsn) {
            throw new IllegalArgumentException("lsn is " + lsn + ", expected 1 to " + durableLsn);
        }
        try (var cursor = cursor(lsn, lsn, false, 4096)) {
            if (!cursor.next()) {
                throw new WalGoneException(lsn, "given up by a truncation");
            }
            return cursor.record();
        }
    }

    @Override
    public WalCursor replay(long fromLsn) throws IOException {
        refresh();
        return forwards(fromLsn, durableLsn);
    }

    @Override
    public WalCursor replay(WalRange range) throws IOException {
        refresh();
        return Ranges.cursor(range, this, durableLsn, this::forwards);
    }

    private WalCursor forwards(long fromLsn, long toLsn) throws WalException {
        return cursor(fromLsn, toLsn, false, FrameScanner.BLOCK_BYTES);
    }

    @Override
    public WalCursor follow(long fromLsn, Durability level) throws IOException {
        if (level != Durability.SYNCED) {
            throw new IllegalArgumentException("level is " + level + ", a read-only log knows SYNCED only");
        }
        refresh();
        return cursor(fromLsn, Long.MAX_VALUE, true, FrameScanner.BLOCK_BYTES);
    }

    @Override
    public WalBackup backup(FileStore target) throws IOException {
        if (isClosed) {
            throw new WalClosedException();
        }
        return Backup.make(store, options, target);
    }

    private WalCursor cursor(long fromLsn, long untilLsn, boolean follows, int blockBytes) throws WalException {
        if (isClosed) {
            throw new WalClosedException();
        }
        long from = fromLsn == 0 ? firstLsn : fromLsn;
        if (from < 0 || from > durableLsn + 1) {
            throw new IllegalArgumentException("fromLsn is " + from + ", expected 0 to " + (durableLsn + 1));
        }
        if (from < firstLsn) {
            throw new WalGoneException(from, "dropped by a checkpoint, the first is " + firstLsn);
        }
        return new LogCursor(store, options, this, from, untilLsn, Durability.SYNCED, follows, blockBytes);
    }

    // -- what cursors see

    @Override
    public long currentFirstLsn() throws IOException {
        refresh();
        return firstLsn;
    }

    @Override
    public SegmentChain chain() {
        return chain;
    }

    @Override
    public long lowestCutSince(long truncations) {
        return chain.lowestCutSince(truncations);
    }

    @Override
    public long readableLsn(Durability level) {
        return durableLsn;
    }

    @Override
    public @Nullable SparseIndex indexOf(long sequence) {
        lock.lock();
        try {
            var tail = analysis.tail();
            return tail != null && tail.header().sequence() == sequence
                    ? tail.index().copy()
                    : null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    @SuppressWarnings("WaitNotInLoop") // The caller loops.
    public void await(long lsn, Durability level, long nanos) throws IOException, InterruptedException {
        long end = System.nanoTime() + nanos;
        refresh();
        lock.lockInterruptibly();
        try {
            long left = end - System.nanoTime();
            if (durableLsn < lsn && !isClosed && left > 0) {
                // A lapse of time is what is waited for: nobody tells a reader of another process.
                long ignored = closed.awaitNanos(Math.min(left, Deadline.toNanos(options.flushInterval())));
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean hasEnded() {
        return isClosed;
    }

    @Override
    public void checkNotFailed() {
        // Whether the owner failed cannot be seen from here.
    }

    // -- what is

    @Override
    public @Nullable UUID logId() {
        lock.lock();
        try {
            var header = analysis.anyHeader();
            return header == null ? null : header.logId();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long firstLsn() {
        return firstLsn;
    }

    @Override
    public long lastLsn() {
        return durableLsn;
    }

    @Override
    public long durableLsn() {
        return durableLsn;
    }

    @Override
    public long epoch() {
        return truncations();
    }

    @Override
    public List<SegmentInfo> segments() {
        return chain.segments().stream()
                .map(segment -> segment.isGrowing() ? segment.endingAt(durableLsn, tailEnd(), false) : segment)
                .map(Segment::info)
                .toList();
    }

    private long tailEnd() {
        lock.lock();
        try {
            var tail = analysis.tail();
            return tail == null ? 0 : tail.endPosition();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long sizeBytes() {
        return segments().stream().mapToLong(SegmentInfo::bytes).sum();
    }

    @Override
    public RecoveryReport recovery() {
        return recovery;
    }

    @Override
    public void close() throws IOException {
        lock.lock();
        try {
            if (!isClosed) {
                isClosed = true;
                closed.signalAll();
                analysis.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
