package dev.kwal;

import org.jspecify.annotations.Nullable;

/** A log that is being written, as its cursors see it. */
final class PathView implements LogView {
    private final WritePath path;
    private final Succession succession;

    PathView(WritePath path, Succession succession) {
        this.path = path;
        this.succession = succession;
    }

    @Override
    public SegmentChain chain() {
        return succession.chain();
    }

    @Override
    public long firstLsn() {
        return succession.firstLsn();
    }

    @Override
    public long epoch() {
        return path.epoch();
    }

    /** After a failure what was written may never reach the medium: only what is durable can be relied on. */
    @Override
    public long readableLsn(Durability level) {
        return path.isFailed() ? path.durableLsn() : path.reachedLsn(level);
    }

    @Override
    public @Nullable SparseIndex indexOf(long sequence) {
        return path.indexOf(sequence);
    }

    @Override
    public void await(long lsn, Durability level, long epoch, long nanos) throws InterruptedException {
        path.awaitReached(lsn, level, epoch, nanos);
    }

    @Override
    public boolean isClosed() {
        return path.isClosed();
    }

    @Override
    public void checkNotFailed() throws WalFailedException {
        path.checkNotFailed();
    }
}
