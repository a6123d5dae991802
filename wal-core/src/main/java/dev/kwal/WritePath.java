package dev.kwal;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The way of a record from the caller to the medium: buffer, write, sync, with group commit by leaders.
 *
 * <p>Always: one thread at a time writes, one syncs, and none does either while another has the path {@linkplain
 * #exclusively for itself}. No I/O happens under the lock. After a failed write or sync nothing is written or synced ever
 * again.
 */
final class WritePath {
    /** Room kept in the buffer for control frames. */
    private static final int CONTROL_BYTES = (int) Format.frameBytes(SealFrame.maxBytes()) + 1024;

    private static final long MARK_BYTES = Format.frameBytes(Format.POSITION_PAYLOAD_BYTES);

    private final WalOptions options;
    private final Progress progress;
    private final ReentrantLock lock;
    private final int bufferBytes;
    private final Deque<FrameBuffer> free = new ArrayDeque<>(2);

    private FrameBuffer active;
    private @Nullable ActiveSegment segment;
    private boolean isWriting;
    private boolean isSyncing;
    private boolean isExclusive;
    private int exclusiveWaiters;
    private long markedLsn;

    /** Whether there is room for a group. */
    enum Room {
        /** It was appended. */
        TAKEN,
        /** Somebody has the path for itself. */
        BUSY,
        /** The segment is full or old or has no space prepared, or there is none. */
        NO_SEGMENT,
        /** The buffer is full, or too many tickets are open. */
        FULL
    }

    /** Work that needs the path for itself. */
    interface Work {
        void run() throws IOException;
    }

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

    WritePath(WalOptions options, Progress progress, @Nullable ActiveSegment segment) {
        this(options, progress, segment, FrameBuffer::direct);
    }

    /** With buffers of another kind, for tools that do not see memory outside the heap. */
    WritePath(
            WalOptions options, Progress progress, @Nullable ActiveSegment segment, IntFunction<FrameBuffer> buffers) {
        this.options = options;
        this.progress = progress;
        this.lock = progress.lock();
        this.markedLsn = progress.durableLsn();
        this.segment = segment;
        this.bufferBytes = options.bufferBytes() + CONTROL_BYTES;
        this.active = buffers.apply(bufferBytes);
        free.add(buffers.apply(bufferBytes));
        if (segment != null) {
            active.begin(segment.salt(), segment.writtenPosition());
        }
    }

    // -- append

    /**
     * Appends a group to the buffer if there is room now. No I/O, no waiting but for the lock.
     *
     * @param ticketLevel the level of the ticket to give, or null for none
     */
    Taken tryPut(FrameGroup group, @Nullable Durability ticketLevel) throws WalException {
        lock.lock();
        try {
            progress.checkUsable();
            long lastLsn = progress.lastLsn();
            if (lastLsn > Format.MAX_LSN - group.count()) {
                throw new IllegalStateException("all LSNs are used up, the last is " + lastLsn);
            }
            var room = roomFor(group.frameBytes(), ticketLevel);
            if (room != Room.TAKEN) {
                return Taken.not(room);
            }
            put(group, lastLsn + 1);
            return new Taken(
                    Room.TAKEN,
                    progress.lastLsn(),
                    ticketLevel == null ? null : progress.ticket(ticketLevel),
                    active.fill() >= options.flushBytes() || active.recordCount() >= options.flushRecords(),
                    active.endPosition() > options.segmentBytes() / 2);
        } finally {
            lock.unlock();
        }
    }

    /** A group that was put in half would make the log unreadable: an error here, of lack of memory perhaps, fails it. */
    private void put(FrameGroup group, long firstLsn) {
        try {
            group.putTo(active, current().index(), firstLsn, progress.durableLsn());
            progress.appended(group.count());
        } catch (Throwable t) {
            progress.fail(t);
            throw t;
        }
    }

    private Room roomFor(long frameBytes, @Nullable Durability ticketLevel) {
        if (isExclusive) {
            return Room.BUSY;
        }
        if (segment == null || isFull(segment, frameBytes) || !segment.hasSpaceFor(active.endPosition(), frameBytes)) {
            return Room.NO_SEGMENT;
        }
        if (ticketLevel != null && !progress.hasRoomForTicket()) {
            return Room.FULL;
        }
        return active.hasRoomFor(frameBytes + CONTROL_BYTES) || enlargeFor(frameBytes) ? Room.TAKEN : Room.FULL;
    }

    private boolean isFull(ActiveSegment current, long frameBytes) {
        if (!current.hasRecords()) {
            return false;
        }
        return active.endPosition() + frameBytes > options.segmentBytes()
                || (!options.segmentAge().equals(WalOptions.FOREVER)
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
        if (buffer.capacity() == bufferBytes) {
            free.add(buffer);
        }
    }

    /** Waits until something has changed that may give room; writes the buffer if that gives it and nobody does. */
    void awaitRoom() throws WalException {
        lock.lock();
        try {
            progress.checkUsable();
            if (isExclusive || isWriting) {
                progress.await();
            } else if (!active.isEmpty()) {
                writeGroup();
            } else if (!progress.hasRoomForTicket()) {
                progress.await();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until something has changed that may give room, at most until the deadline. Somebody else writes.
     *
     * @return false if the time ran out
     */
    boolean awaitRoom(Deadline deadline) throws WalException {
        lock.lock();
        try {
            progress.checkUsable();
            boolean isFull = isExclusive || isWriting || !active.isEmpty() || !progress.hasRoomForTicket();
            return !isFull || progress.await(deadline);
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
            long startEpoch = progress.epoch();
            long target = Math.min(lsn, progress.lastLsn());
            while (progress.reachedLsn(level) < target) {
                if (progress.epoch() != startEpoch) {
                    // The record was synced before a truncation gave it up.
                    return lsn;
                }
                progress.checkNotFailed();
                if (isExclusive || exclusiveWaiters > 0 || (level == Durability.SYNCED ? isSyncing : isWriting)) {
                    progress.await();
                } else if (progress.isReleased()) {
                    throw new WalClosedException();
                } else {
                    lead(target, level);
                }
            }
            return progress.reachedLsn(level);
        } finally {
            lock.unlock();
        }
    }

    /** After this the level is reached or the log has failed. Anything else would have the caller lead for ever. */
    private void lead(long target, Durability level) throws WalException {
        if (level == Durability.SYNCED) {
            syncGroup();
        } else {
            writeGroup();
        }
        if (progress.reachedLsn(level) < target) {
            progress.checkNotFailed();
            throw new IllegalStateException(
                    "record " + target + " is not " + level + ", yet no write and no sync has failed");
        }
    }

    /** Writes what is buffered, on behalf of everybody. Called and returns with the lock; releases it for the write. */
    private void writeGroup() {
        if (active.isEmpty()) {
            return;
        }
        var group = active;
        var target = current();
        long groupLsn = progress.lastLsn();
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
                progress.written(groupLsn);
            } else {
                progress.fail(thrown);
            }
        }
    }

    /** Writes and syncs, on behalf of everybody. Called and returns with the lock; releases it for the I/O. */
    private void syncGroup() {
        isSyncing = true;
        try {
            while (isWriting) {
                progress.await();
            }
            if (!progress.isFailed()) {
                writeGroup();
            }
            if (!progress.isFailed()) {
                syncWritten();
            }
        } finally {
            isSyncing = false;
            progress.signal();
        }
    }

    /** The target is taken before the flush: what is written meanwhile is not covered by it. */
    private void syncWritten() {
        var target = current();
        long targetLsn = progress.writtenLsn();
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
                progress.synced(targetLsn);
            } else {
                progress.fail(thrown);
            }
        }
    }

    /**
     * Notes in the log what is durable, if the log is idle, everything is durable, and that was not noted yet. Written, not
     * synced.
     *
     * @return whether to look again later, because somebody is at work
     */
    boolean markWhenIdle() {
        lock.lock();
        try {
            if (segment == null || progress.isFailed() || progress.isClosed()) {
                return false;
            }
            if (isExclusive || isWriting || isSyncing || !active.isEmpty()) {
                return true;
            }
            long durableLsn = progress.durableLsn();
            boolean isMarkDue = durableLsn == progress.lastLsn() && markedLsn != durableLsn;
            if (isMarkDue && segment.hasSpaceFor(active.endPosition(), MARK_BYTES)) {
                markedLsn = durableLsn;
                active.putMark(Format.MARK, segment.syncedPosition(), durableLsn, durableLsn);
                writeGroup();
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    // -- exclusive work

    /** Runs work while nobody else appends, writes or syncs. */
    void exclusively(Work work) throws IOException {
        lock.lock();
        try {
            exclusiveWaiters++;
            while (isExclusive || isWriting || isSyncing) {
                progress.await();
            }
            exclusiveWaiters--;
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
                progress.signal();
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
        return segment != null && !isFull(segment, frameBytes);
    }

    /**
     * Prepares space for a group in the segment being written; by exclusive work only.
     *
     * @throws IOException if there is none; nothing has changed
     */
    void prepareFor(long frameBytes) throws IOException {
        current().prepareFor(active.endPosition(), frameBytes, options.segmentBytes());
    }

    /** Notes anew that everything before the close mark was synced, in its place: the mark itself may not have been. */
    void markResumed() throws WalException {
        lock.lock();
        try {
            active.putMark(Format.MARK, current().syncedPosition(), progress.lastLsn(), progress.lastLsn());
            writeGroup();
            progress.checkNotFailed();
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
            markedLsn = progress.durableLsn();
            active.begin(next.salt(), next.writtenPosition());
        } finally {
            lock.unlock();
        }
    }

    /** Writes and syncs all that is buffered; by exclusive work only. */
    void drain() throws WalException {
        lock.lock();
        try {
            progress.checkNotFailed();
            if (segment != null) {
                writeGroup();
                if (!progress.isFailed() && segment.syncedPosition() < segment.writtenPosition()) {
                    syncWritten();
                }
            }
            progress.checkNotFailed();
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
}
