package dev.kwal;

import org.jspecify.annotations.Nullable;

/** A log that is being written, as its cursors see it. */
final class PathView implements LogView {
    private final WritePath path;
    private final Progress progress;
    private final Succession succession;

    PathView(WritePath path, Progress progress, Succession succession) {
        this.path = path;
        this.progress = progress;
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
    public long currentFirstLsn() {
        return succession.firstLsn();
    }

    /** After a failure what was written may never reach the medium: only what is durable can be relied on. */
    @Override
    public long readableLsn(Durability level) {
        return progress.isFailed() ? progress.durableLsn() : progress.reachedLsn(level);
    }

    @Override
    public long lowestCutSince(long truncations) {
        return succession.truncations().lowestSince(truncations);
    }

    @Override
    public @Nullable SparseIndex indexOf(long sequence) {
        return path.indexOf(sequence);
    }

    @Override
    public void await(long lsn, Durability level, long nanos) throws InterruptedException {
        progress.awaitReached(lsn, level, nanos);
    }

    @Override
    public boolean hasEnded() {
        return progress.isFailed() || progress.isReleased();
    }

    @Override
    public void checkNotFailed() throws WalFailedException {
        progress.checkNotFailed();
    }
}
