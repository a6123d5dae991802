package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A log in one store, owned by this process: the facade over write path, succession and cursors.
 *
 * <p>Always: the store's lock is held from open to close. Operations on whole segments run one at a time under the
 * life-cycle lock.
 */
final class LocalWal implements Wal {
    private final WalOptions options;
    private final WalStore store;
    private final Closeable storeLock;
    private final ScheduledExecutorService background;
    private final WritePath path;
    private final SegmentSource source;
    private final Succession succession;
    private final Chores chores;
    private final RecoveryReport recovery;
    private final LogView view;
    private final ReentrantLock lifeCycle = new ReentrantLock();
    private volatile boolean isClosed;

    LocalWal(WalOptions options, WalStore store, Closeable storeLock, Opening opening) {
        this.options = options;
        this.store = store;
        this.storeLock = storeLock;
        this.background = opening.background();
        this.path = opening.path();
        this.source = opening.source();
        this.succession = opening.succession();
        this.recovery = opening.report();
        this.chores = new Chores(options, path, source, background);
        this.view = new PathView(path, succession);
    }

    static Wal open(WalStore store, WalOptions options) throws IOException {
        return open(store, options, Background.start());
    }

    /** Opens with the executor for everything that happens in the background; it is shut down by close. */
    static LocalWal open(WalStore store, WalOptions options, ScheduledExecutorService background) throws IOException {
        Closeable lock = null;
        try {
            lock = store.lock();
            return new LocalWal(options, store, lock, Opening.of(store, options, background));
        } catch (Throwable t) {
            background.shutdown();
            if (lock != null) {
                closeAfter(t, lock);
            }
            throw t;
        }
    }

    private static void closeAfter(Throwable thrown, Closeable resource) {
        try {
            resource.close();
        } catch (IOException e) {
            thrown.addSuppressed(e);
        }
    }

    // -- append

    @Override
    public long append(ByteBuffer record) throws IOException {
        return append(record, options.defaultLevel());
    }

    @Override
    public long append(ByteBuffer record, Durability level) throws IOException {
        check(level);
        return append(FrameGroup.of(record, options), level, null);
    }

    @Override
    public long append(ByteBuffer record, Durability level, Duration timeout) throws IOException {
        check(level);
        return append(FrameGroup.of(record, options), level, timeout);
    }

    @Override
    public long appendBatch(List<ByteBuffer> records) throws IOException {
        return appendBatch(records, options.defaultLevel());
    }

    @Override
    public long appendBatch(List<ByteBuffer> records, Durability level) throws IOException {
        check(level);
        return append(FrameGroup.of(records, options), level, null);
    }

    @Override
    public long appendBatch(List<ByteBuffer> records, Durability level, Duration timeout) throws IOException {
        check(level);
        return append(FrameGroup.of(records, options), level, timeout);
    }

    private long append(FrameGroup group, Durability level, @Nullable Duration timeout) throws IOException {
        if (group.count() == 0) {
            path.checkUsable();
            return path.lastLsn();
        }
        var deadline = Deadline.after(timeout);
        long lsn = put(group, null, deadline).lsn();
        if (level == Durability.BUFFERED) {
            return lsn;
        }
        commit(lsn, level, deadline, lsn);
        return lsn;
    }

    /** Puts a group into the buffer, making room where there is none. */
    private WritePath.Taken put(FrameGroup group, @Nullable Durability ticketLevel, Deadline deadline)
            throws IOException {
        while (true) {
            var taken = path.tryPut(group, ticketLevel);
            if (taken.room() == WritePath.Room.TAKEN) {
                chores.appended(taken);
                return taken;
            }
            if (deadline.isNever()) {
                makeRoom(group, taken.room());
            } else {
                chores.within(deadline, 0, () -> makeRoom(group, taken.room()));
            }
        }
    }

    private void makeRoom(FrameGroup group, WritePath.Room why) throws IOException {
        if (why == WritePath.Room.NO_SEGMENT) {
            path.exclusively(() -> succession.makeRoomFor(group.frameBytes()));
        } else {
            path.awaitRoom(why);
        }
    }

    @Override
    public long tryAppend(ByteBuffer record) throws IOException {
        return tryAppend(FrameGroup.of(record, options));
    }

    @Override
    public long tryAppendBatch(List<ByteBuffer> records) throws IOException {
        return tryAppend(FrameGroup.of(records, options));
    }

    private long tryAppend(FrameGroup group) throws IOException {
        if (group.count() == 0) {
            path.checkUsable();
            return path.lastLsn();
        }
        var taken = path.tryPut(group, null);
        if (taken.room() == WritePath.Room.TAKEN) {
            chores.appended(taken);
        }
        return taken.lsn();
    }

    @Override
    public WalTicket appendAsync(ByteBuffer record, Durability level) throws IOException {
        check(level);
        return appendAsync(FrameGroup.of(record, options), level);
    }

    @Override
    public WalTicket appendBatchAsync(List<ByteBuffer> records, Durability level) throws IOException {
        check(level);
        return appendAsync(FrameGroup.of(records, options), level);
    }

    private WalTicket appendAsync(FrameGroup group, Durability level) throws IOException {
        var ticket = group.count() == 0
                ? path.ticket(level)
                : put(group, level, Deadline.NEVER).ticket();
        if (ticket == null) {
            throw new IllegalStateException("no ticket was given");
        }
        return ticket;
    }

    private void check(Durability level) {
        var can = store.capabilities();
        if ((level == Durability.SYNCED && !can.survivesPowerLoss())
                || (level == Durability.WRITTEN && !can.survivesProcessCrash())) {
            throw new IllegalArgumentException("the store cannot give level " + level + ": " + can);
        }
    }

    // -- commit

    @Override
    public long commit(long lsn, Durability level) throws IOException {
        return commit(lsn, level, Deadline.NEVER, 0);
    }

    @Override
    public long commit(long lsn, Durability level, Duration timeout) throws IOException {
        return commit(lsn, level, Deadline.after(timeout), 0);
    }

    private long commit(long lsn, Durability level, Deadline deadline, long accepted) throws IOException {
        check(level);
        if (accepted == 0 && (lsn < 0 || lsn > path.lastLsn())) {
            throw new IllegalArgumentException("lsn is " + lsn + ", expected 0 to " + path.lastLsn());
        }
        if (!deadline.isNever() && path.reachedLsn(level) < lsn) {
            chores.within(deadline, accepted, () -> commitNow(lsn, level));
            return path.reachedLsn(level);
        }
        return commitNow(lsn, level);
    }

    private long commitNow(long lsn, Durability level) throws IOException {
        if (level == Durability.SYNCED && path.durableLsn() < lsn && succession.isCopyPending()) {
            path.exclusively(succession::copyTail);
        }
        return path.commit(lsn, level);
    }

    // -- life cycle

    @Override
    public void rotate() throws IOException {
        whole(() -> path.exclusively(succession::rotateNow));
    }

    @Override
    public int checkpoint(long lsn) throws IOException {
        var deleted = new int[1];
        whole(() -> {
            if (lsn < 0 || lsn > path.lastLsn()) {
                throw new IllegalArgumentException("lsn is " + lsn + ", expected 0 to " + path.lastLsn());
            }
            path.exclusively(() -> succession.advanceHead(lsn + 1));
            deleted[0] = succession.deleteDropped();
        });
        return deleted[0];
    }

    @Override
    public void truncateAfter(long lsn) throws IOException {
        whole(() -> path.exclusively(() -> succession.truncateAfter(lsn)));
    }

    private void whole(WritePath.Work work) throws IOException {
        lifeCycle.lock();
        try {
            path.checkUsable();
            work.run();
        } finally {
            lifeCycle.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        lifeCycle.lock();
        try {
            if (!isClosed) {
                isClosed = true;
                closeNow();
            }
        } finally {
            lifeCycle.unlock();
        }
    }

    private void closeNow() throws IOException {
        path.close();
        try {
            closeAll(this::markClosed, this::closeSegment, succession::close, source::close, storeLock);
        } finally {
            path.release();
            background.shutdown();
        }
        if (path.durableLsn() < path.lastLsn() && store.capabilities().survivesPowerLoss()) {
            path.checkNotFailed();
        }
    }

    private void markClosed() throws IOException {
        if (!path.isFailed()) {
            path.exclusively(succession::markClosed);
        }
    }

    private void closeSegment() throws IOException {
        path.exclusively(() -> {
            var segment = path.segment();
            if (segment != null) {
                segment.writer().close();
            }
        });
    }

    /** Closes everything, whatever each of them throws. */
    private static void closeAll(Closeable... resources) throws IOException {
        IOException thrown = null;
        for (var resource : resources) {
            try {
                resource.close();
            } catch (IOException e) {
                if (thrown == null) {
                    thrown = e;
                } else {
                    thrown.addSuppressed(e);
                }
            }
        }
        if (thrown != null) {
            throw thrown;
        }
    }

    // -- reading

    @Override
    public WalRecord read(long lsn) throws IOException {
        if (lsn < 1 || lsn > path.lastLsn()) {
            throw new IllegalArgumentException("lsn is " + lsn + ", expected 1 to " + path.lastLsn());
        }
        try (var cursor = cursor(lsn, writeThrough(lsn), Durability.WRITTEN, false, 4096)) {
            if (!cursor.next()) {
                path.checkNotFailed();
                throw new WalGoneException(lsn, "given up by a truncation");
            }
            return cursor.record();
        }
    }

    @Override
    public WalCursor replay(long fromLsn) throws IOException {
        return cursor(fromLsn, writeThrough(path.lastLsn()), Durability.WRITTEN, false, FrameScanner.BLOCK_BYTES);
    }

    @Override
    public WalCursor follow(long fromLsn, Durability level) throws IOException {
        if (level == Durability.BUFFERED) {
            throw new IllegalArgumentException("level is BUFFERED, expected WRITTEN or SYNCED");
        }
        check(level);
        return cursor(fromLsn, Long.MAX_VALUE, level, true, FrameScanner.BLOCK_BYTES);
    }

    /** Writes what is buffered, so that it can be read; on a failed log what is durable has to do. */
    private long writeThrough(long lsn) throws IOException {
        if (isClosed) {
            throw new WalClosedException();
        }
        if (path.isFailed()) {
            return Math.min(lsn, path.durableLsn());
        }
        path.commit(Math.min(lsn, path.lastLsn()), Durability.WRITTEN);
        return lsn;
    }

    private WalCursor cursor(long fromLsn, long untilLsn, Durability level, boolean follows, int blockBytes)
            throws IOException {
        if (isClosed) {
            throw new WalClosedException();
        }
        long from = fromLsn == 0 ? firstLsn() : fromLsn;
        if (from < 0 || from > path.lastLsn() + 1) {
            throw new IllegalArgumentException("fromLsn is " + from + ", expected 0 to " + (path.lastLsn() + 1));
        }
        if (from < firstLsn()) {
            throw new WalGoneException(from, "dropped by a checkpoint, the first is " + firstLsn());
        }
        return new LogCursor(store, options.maxRecordBytes(), view, from, untilLsn, level, follows, blockBytes);
    }

    // -- what is

    @Override
    public WalState state() {
        if (isClosed) {
            return WalState.CLOSED;
        }
        if (path.isFailed()) {
            return WalState.FAILED;
        }
        return source.failure() != null ? WalState.NO_SPACE : WalState.OPEN;
    }

    @Override
    public long firstLsn() {
        return succession.firstLsn();
    }

    @Override
    public long lastLsn() {
        return path.lastLsn();
    }

    @Override
    public long writtenLsn() {
        return path.writtenLsn();
    }

    @Override
    public long durableLsn() {
        return store.capabilities().survivesPowerLoss() ? path.durableLsn() : 0;
    }

    @Override
    public long epoch() {
        return path.epoch();
    }

    @Override
    public List<SegmentInfo> segments() {
        return succession.chain().segments().stream()
                .map(segment ->
                        segment.isGrowing() ? segment.endingAt(path.lastLsn(), path.endPosition(), false) : segment)
                .map(Segment::info)
                .toList();
    }

    @Override
    public long sizeBytes() {
        return segments().stream().mapToLong(SegmentInfo::bytes).sum();
    }

    @Override
    public RecoveryReport recovery() {
        return recovery;
    }

    /** The background work, for tests that do it by hand. */
    Chores chores() {
        return chores;
    }

    /** For messages: state and range, never contents. */
    @Override
    public String toString() {
        return "log " + state() + ", records " + firstLsn() + " to " + lastLsn() + ", durable through " + durableLsn()
                + ", flush interval " + options.flushInterval().toMillis() + " ms";
    }
}
