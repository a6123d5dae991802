package dev.kwal;

import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** What cursors see of a record file: one segment that grows. Thread-safe; its owner adds records one at a time. */
final class RecordFileView implements LogView {
    private final SegmentChain chain;
    private final SparseIndex index;
    private final ReentrantLock lock = new ReentrantLock();
    private final long firstLsn;
    private volatile long lastLsn;

    RecordFileView(TailScan tail) {
        this.chain = new SegmentChain(List.of(Segment.growing(tail.header(), tail.open())));
        this.index = tail.index();
        this.firstLsn = tail.firstLsn();
        this.lastLsn = tail.lastLsn();
    }

    /** A record was written. */
    void added(long lsn, long position) {
        lock.lock();
        try {
            index.add(lsn, position);
        } finally {
            lock.unlock();
        }
        lastLsn = lsn;
    }

    long lastLsn() {
        return lastLsn;
    }

    @Override
    public SegmentChain chain() {
        return chain;
    }

    @Override
    public long firstLsn() {
        return firstLsn;
    }

    @Override
    public long currentFirstLsn() {
        return firstLsn;
    }

    @Override
    public long lowestCutSince(long truncations) {
        return Long.MAX_VALUE;
    }

    @Override
    public long readableLsn(Durability level) {
        return lastLsn;
    }

    @Override
    public SparseIndex indexOf(long sequence) {
        lock.lock();
        try {
            return index.copy();
        } finally {
            lock.unlock();
        }
    }

    /** Nobody follows. */
    @Override
    public void await(long lsn, Durability level, long nanos) {}

    @Override
    public boolean hasEnded() {
        return true;
    }

    @Override
    public void checkNotFailed() {
        // A cursor that does not follow ends where the file was whole.
    }
}
