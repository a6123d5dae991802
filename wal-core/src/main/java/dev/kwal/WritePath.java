package dev.kwal;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The way of a record from the caller to the medium: buffer, write, sync, with group commit by leaders.
 *
 * <p>Always: {@code durableLsn <= writtenLsn <= lastLsn}, each at the end of a batch; one thread at a time writes, one syncs,
 * and none does either while another has the path {@linkplain #exclusively for itself}. No I/O happens under the lock. After
 * a failed write or sync nothing is written or synced ever again.
 */
final class WritePath {
    /** Room kept in the buffer for control frames. */
    private static final int CONTROL_BYTES = (int) Format.frameBytes(SealFrame.maxBytes()) + 1024;

    private final WalOptions options;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<FrameBuffer> free = new ArrayDeque<>(2);
    private final Waiters waiters;

    private FrameBuffer active;
    private @Nullable ActiveSegment segment;
    private boolean isWriting;
    private boolean isSyncing;
    private boolean isExclusive;
    private boolean isClosed;
    private boolean isReleased;
    private @Nullable Throwable failure;
    private volatile long epoch;
    private volatile long lastLsn;
    private volatile long writtenLsn;
    private volatile long durableLsn;
    private long markedLsn;

    /** Whether there is room for a group. */
    enum Room {
        /** It was appended. */
        TAKEN,
        /** Somebody has the path for itself. */
        BUSY,
        /** The segment is full or old, or there is none. */
        NO_SEGMENT,
        /** The buffer is full. */
        FULL
    }

    /** Work that needs the path for itself. */
    interface Work {
        void run() throws IOException;
    }

    /** Where the log stands when it is opened. */
    WritePath(WalOptions options, long epoch, long lastLsn, long durableLsn, @Nullable ActiveSegment segment) {
        this.options = options;
        this.epoch = epoch;
        this.lastLsn = lastLsn;
        this.writtenLsn = lastLsn;
        this.durableLsn = durableLsn;
        this.markedLsn = durableLsn;
        this.segment = segment;
        this.waiters = new Waiters(options.completionExecutor());
        this.active = FrameBuffer.direct(options.bufferBytes() + CONTROL_BYTES);
        free.add(FrameBuffer.direct(options.bufferBytes() + CONTROL_BYTES));
        if (segment != null) {
            active.begin(segment.salt(), segment.writtenPosition());
        }
    }

    long lastLsn() {
        return lastLsn;
    }

    long writtenLsn() {
        return writtenLsn;
    }

    long durableLsn() {
        return durableLsn;
    }

    long epoch() {
        return epoch;
    }

    long reachedLsn(Durability level) {
        return switch (level) {
            case BUFFERED -> lastLsn;
            case WRITTEN -> writtenLsn;
            case SYNCED -> durableLsn;
        };
    }

    // -- append

    /**
     * What {@link #tryPut} did.
     *
     * @param lsn of the last record
     * @param isDueToWrite so much is buffered that it should be written now
     * @param isDueToPrepare the segment is half full, and the next one should be prepared
     */
    record Taken(Room room, long lsn, @Nullable WalTicket ticket, boolean isDueToWrite, boolean isDueToPrepare) {
        static Taken not(Room why) {
            return new Taken(why, Wal.NO_ROOM, null, false, false);
        }
    }

    /**
     * Appends a group to the buffer if there is room now. No I/O, no waiting but for the lock.
     *
     * @param ticketLevel the level of the ticket to give, or null for none
     */
    Taken tryPut(FrameGroup group, @Nullable Durability ticketLevel) throws WalException {
        lock.lock();
        try {
            checkUsable();
            var room = roomFor(group.frameBytes(), ticketLevel);
            if (room != Room.TAKEN) {
                return Taken.not(room);
            }
            if (lastLsn > Format.MAX_LSN - group.count()) {
                throw new IllegalStateException("all LSNs are used up, the last is " + lastLsn);
            }
            group.putTo(active, current().index(), lastLsn + 1, durableLsn);
            lastLsn += group.count();
            return new Taken(
                    Room.TAKEN,
                    lastLsn,
                    ticketLevel == null ? null : ticketFor(ticketLevel),
                    active.fill() >= options.flushBytes() || active.recordCount() >= options.flushRecords(),
                    active.endPosition() > options.segmentBytes() / 2);
        } finally {
            lock.unlock();
        }
    }

    private WalTicket ticketFor(Durability level) {
        var reached = waiters.add(lastLsn, level);
        waiters.reached(level == Durability.BUFFERED ? lastLsn : writtenLsn, durableLsn);
        return new WalTicket(lastLsn, reached.minimalCompletionStage());
    }

    private Room roomFor(long frameBytes, @Nullable Durability ticketLevel) {
        if (isExclusive) {
            return Room.BUSY;
        }
        if (segment == null || isFull(segment, frameBytes)) {
            return Room.NO_SEGMENT;
        }
        if (!active.hasRoomFor(frameBytes + CONTROL_BYTES)) {
            return enlargeFor(frameBytes) ? Room.TAKEN : Room.FULL;
        }
        return ticketLevel == null || waiters.hasRoom() ? Room.TAKEN : Room.FULL;
    }

    private boolean isFull(ActiveSegment current, long frameBytes) {
        if (!current.hasRecords()) {
            return false;
        }
        return active.endPosition() + frameBytes > options.segmentBytes()
                || (options.segmentAge() != WalOptions.FOREVER
                        && System.nanoTime() - current.beginNanos() >= Deadline.toNanos(options.segmentAge()));
    }

    /** Gives a group that is larger than the buffer one of its own, once the buffer is empty. */
    private boolean enlargeFor(long frameBytes) {
        if (!active.isEmpty() || frameBytes + CONTROL_BYTES <= active.capacity()) {
            return false;
        }
        long position = active.endPosition();
        release(active);
        active = FrameBuffer.onHeap((int) (frameBytes + CONTROL_BYTES));
        active.begin(current().salt(), position);
        return true;
    }

    private void release(FrameBuffer buffer) {
        if (buffer.isDirect()) {
            free.add(buffer);
        }
    }

    /**
     * Waits until something has changed that may give room: writes the buffer if that is it and nobody does.
     *
     * @param why what {@link #tryPut} said
     */
    void awaitRoom(Room why) throws WalException {
        lock.lock();
        try {
            checkUsable();
            if (isExclusive || isWriting) {
                changed.awaitUninterruptibly();
            } else if (why == Room.FULL && !active.isEmpty()) {
                writeGroup();
            } else if (why == Room.FULL && !waiters.isEmpty() && !waiters.hasRoom()) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    /** A ticket for the last record there is. */
    WalTicket ticket(Durability level) throws WalException {
        lock.lock();
        try {
            checkUsable();
            return ticketFor(level);
        } finally {
            lock.unlock();
        }
    }

    // -- commit

    /**
     * Brings every record up to {@code lsn} to a level, as leader or by waiting for one.
     *
     * @return the last LSN at that level
     */
    long commit(long lsn, Durability level) throws WalException {
        lock.lock();
        try {
            long startEpoch = epoch;
            while (reachedLsn(level) < lsn) {
                if (epoch != startEpoch) {
                    // The record was synced before a truncation gave it up.
                    return lsn;
                }
                checkNotFailed();
                if (isExclusive || (level == Durability.SYNCED ? isSyncing : isWriting)) {
                    changed.awaitUninterruptibly();
                } else if (isReleased) {
                    throw new WalClosedException();
                } else if (level == Durability.SYNCED) {
                    syncGroup();
                } else {
                    writeGroup();
                }
            }
            return reachedLsn(level);
        } finally {
            lock.unlock();
        }
    }

    /** Writes what is buffered, on behalf of everybody. Called and returns with the lock; releases it for the write. */
    private void writeGroup() {
        if (active.isEmpty()) {
            return;
        }
        var group = active;
        var target = current();
        long groupLsn = lastLsn;
        active = free.remove();
        active.begin(target.salt(), group.endPosition());
        isWriting = true;
        lock.unlock();
        Throwable thrown = null;
        try {
            target.writer().append(group.frames());
        } catch (Throwable t) {
            thrown = t;
        } finally {
            lock.lock();
            isWriting = false;
            release(group);
            if (thrown == null) {
                target.written(group.endPosition());
                writtenLsn = Math.max(writtenLsn, groupLsn);
            }
            settle(thrown);
        }
    }

    /** Writes and syncs, on behalf of everybody. Called and returns with the lock; releases it for the I/O. */
    private void syncGroup() {
        isSyncing = true;
        try {
            while (isWriting) {
                changed.awaitUninterruptibly();
            }
            if (failure == null) {
                writeGroup();
            }
            if (failure == null) {
                syncWritten();
            }
        } finally {
            isSyncing = false;
            changed.signalAll();
        }
    }

    private void syncWritten() {
        var target = current();
        long targetLsn = writtenLsn;
        long targetPosition = target.writtenPosition();
        lock.unlock();
        Throwable thrown = null;
        try {
            target.writer().sync();
        } catch (Throwable t) {
            thrown = t;
        } finally {
            lock.lock();
            if (thrown == null) {
                target.synced(targetPosition);
                durableLsn = Math.max(durableLsn, targetLsn);
            }
            settle(thrown);
        }
    }

    private void settle(@Nullable Throwable thrown) {
        if (thrown != null && failure == null) {
            failure = thrown;
            waiters.fail(new WalFailedException(durableLsn, thrown));
        }
        waiters.reached(writtenLsn, durableLsn);
        changed.signalAll();
    }

    /** The highest level and LSN that a ticket waits for, to be committed by the background. */
    long ticketLsn(Durability level) {
        lock.lock();
        try {
            return failure == null ? waiters.highestLsn(level) : 0;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Notes in the log what is durable, if the log is idle, everything is, and that was not noted yet. Written, not synced.
     */
    void markWhenIdle() {
        lock.lock();
        try {
            if (failure != null || isClosed || segment == null || isExclusive || isWriting || isSyncing) {
                return;
            }
            if (durableLsn == lastLsn && markedLsn < durableLsn && active.isEmpty()) {
                markedLsn = durableLsn;
                active.putMark(Format.MARK, segment.syncedPosition(), lastLsn, durableLsn);
                writeGroup();
            }
        } finally {
            lock.unlock();
        }
    }

    // -- exclusive work

    /** Runs work while nobody appends, writes or syncs. */
    void exclusively(Work work) throws IOException {
        lock.lock();
        try {
            while (isExclusive || isWriting || isSyncing) {
                changed.awaitUninterruptibly();
            }
            isExclusive = true;
        } finally {
            lock.unlock();
        }
        try {
            work.run();
        } finally {
            lock.lock();
            try {
                isExclusive = false;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** The buffer, for control frames; by exclusive work only. */
    FrameBuffer buffer() {
        return active;
    }

    /** The segment being written; by exclusive work only. */
    @Nullable
    ActiveSegment segment() {
        return segment;
    }

    /** Whether the segment being written can take a group; by exclusive work only. */
    boolean hasSegmentFor(long frameBytes) {
        lock.lock();
        try {
            return segment != null && !isFull(segment, frameBytes);
        } finally {
            lock.unlock();
        }
    }

    private ActiveSegment current() {
        var current = segment;
        if (current == null) {
            throw new IllegalStateException("no segment");
        }
        return current;
    }

    /** Makes a segment the one being written; by exclusive work only, with an empty buffer. */
    void begin(ActiveSegment next) {
        lock.lock();
        try {
            segment = next;
            active.begin(next.salt(), next.writtenPosition());
        } finally {
            lock.unlock();
        }
    }

    /** Writes and syncs all that is buffered; by exclusive work only. */
    void drain() throws WalException {
        lock.lock();
        try {
            checkNotFailed();
            if (segment != null) {
                writeGroup();
                if (failure == null && current().syncedPosition() < current().writtenPosition()) {
                    syncWritten();
                }
            }
            checkNotFailed();
        } finally {
            lock.unlock();
        }
    }

    /** Takes the suffix behind {@code lsn} away, in a new epoch; by exclusive work only, when everything is synced. */
    void cutTo(long lsn, long itsEpoch) {
        lock.lock();
        try {
            epoch = itsEpoch;
            lastLsn = lsn;
            writtenLsn = lsn;
            durableLsn = lsn;
            markedLsn = lsn;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Sets what a copy of the tail has made durable; by exclusive work only. */
    void recovered(long lsn) {
        lock.lock();
        try {
            durableLsn = lsn;
            markedLsn = lsn;
        } finally {
            lock.unlock();
        }
    }

    /** Fails the log for good. */
    void fail(Throwable cause) {
        lock.lock();
        try {
            settle(cause);
        } finally {
            lock.unlock();
        }
    }

    /** No append is accepted from here on. */
    void close() {
        lock.lock();
        try {
            isClosed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Nothing is written any more; tickets that are left hear that the log is closed. */
    void release() {
        lock.lock();
        try {
            isReleased = true;
            changed.signalAll();
            waiters.fail(new WalClosedException());
        } finally {
            lock.unlock();
        }
    }

    boolean isClosed() {
        lock.lock();
        try {
            return isClosed;
        } finally {
            lock.unlock();
        }
    }

    boolean isFailed() {
        lock.lock();
        try {
            return failure != null;
        } finally {
            lock.unlock();
        }
    }

    void checkUsable() throws WalException {
        lock.lock();
        try {
            checkNotFailed();
            if (isClosed) {
                throw new WalClosedException();
            }
        } finally {
            lock.unlock();
        }
    }

    void checkNotFailed() throws WalFailedException {
        lock.lock();
        try {
            if (failure != null) {
                throw new WalFailedException(durableLsn, failure);
            }
        } finally {
            lock.unlock();
        }
    }

    /** A copy of the index of the segment being written, if that is the segment asked for. */
    @Nullable
    SparseIndex indexOf(long sequence) {
        lock.lock();
        try {
            return segment != null && segment.header().sequence() == sequence
                    ? segment.index().copy()
                    : null;
        } finally {
            lock.unlock();
        }
    }

    /** How long the current segment is, buffered bytes included. */
    long endPosition() {
        lock.lock();
        try {
            return segment == null ? 0 : active.endPosition();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until a record has reached a level, the epoch changed, the log was closed or failed, or the time ran out.
     *
     * @param nanos the longest wait
     * @throws InterruptedException if the thread was interrupted
     */
    void awaitReached(long lsn, Durability level, long itsEpoch, long nanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = nanos;
            while (reachedLsn(level) < lsn && epoch == itsEpoch && !isClosed && failure == null && left > 0) {
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }
}
