package dev.kwal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The way of a record from the caller to the medium: buffer, write, sync, with group commit by leaders.
 *
 * <p>Appenders fill the current {@linkplain Term term} without a lock. Whoever needs a level and finds nobody at work leads:
 * it writes all that is published without a gap, and flushes if need be, while others fill the term on.
 *
 * <p>Always: one thread at a time writes, one syncs, and none does either while another has the path {@linkplain
 * #exclusively for itself}; the term is stopped then, and when the log has failed or is closed. No I/O happens under the
 * lock. After a failed write or sync nothing is written or synced ever again.
 */
final class WritePath {
    private static final long MARK_BYTES = Format.frameBytes(Format.POSITION_PAYLOAD_BYTES);

    private final WalOptions options;
    private final Progress progress;
    private final ReentrantLock lock;
    private final Terms terms;
    private final Meter meter;

    private boolean isWriting;
    private boolean isSyncing;
    private boolean isExclusive;
    private int exclusiveWaiters;
    private long markedLsn;

    /** Work that needs the path for itself. */
    interface Work {
        void run() throws IOException;
    }

    /**
     * What {@link #tryPut} did.
     *
     * @param lsn of the last record
     */
    record Taken(Terms.Room room, long lsn, @Nullable WalTicket ticket) {
        static Taken not(Terms.Room why) {
            return new Taken(why, Wal.NO_ROOM, null);
        }
    }

    WritePath(WalOptions options, Progress progress, @Nullable ActiveSegment segment) {
        this(options, progress, segment, LogBuffer::direct);
    }

    /** With buffers of another kind, for tools that do not see memory outside the heap; and without a clock. */
    WritePath(WalOptions options, Progress progress, @Nullable ActiveSegment segment, IntFunction<LogBuffer> buffers) {
        this(options, progress, segment, buffers, new Meter(() -> 0, Flight.NONE));
    }

    WritePath(
            WalOptions options,
            Progress progress,
            @Nullable ActiveSegment segment,
            IntFunction<LogBuffer> buffers,
            Meter meter) {
        this.options = options;
        this.meter = meter;
        this.progress = progress;
        this.lock = progress.lock();
        this.markedLsn = progress.durableLsn();
        this.terms = new Terms(options, progress, buffers);
        if (segment != null) {
            terms.begin(segment);
            terms.open();
        }
    }

    // -- append

    /**
     * Appends a record if the current term has room. No lock, no I/O, no allocation.
     *
     * @return its LSN, or 0 if {@link #tryPut} has to find out why not
     */
    long tryPut(ByteBuffer record, int from, int length) {
        var term = progress.term();
        long reservation = terms.tryReserve(term, Format.frameBytes(length));
        if (reservation == Term.REFUSED) {
            return 0;
        }
        try {
            // Asked only now: no truncation can take it back before this record is published.
            term.put(reservation, record, from, length, progress.durableLsn());
        } catch (Throwable t) {
            // A frame that stays half put would keep everything behind it waiting.
            progress.fail(t);
            throw t;
        }
        return term.lsnOf(reservation);
    }

    /**
     * Appends a group to the buffer if there is room now. No I/O, no waiting but for the lock.
     *
     * @param ticketLevel the level of the ticket to give, or null for none
     * @throws WalConflictException if its condition wants another LSN
     * @throws WalFencedException if a newer writer than its own has begun
     */
    Taken tryPut(FrameGroup group, @Nullable Durability ticketLevel) throws WalException {
        // The term first: whoever has one that began with a newer writer is told of that.
        var term = progress.term();
        if (ticketLevel == null && !progress.isFenced(group.condition())) {
            long reservation = terms.tryReserve(term, group);
            if (reservation != Term.REFUSED) {
                return put(term, reservation, group, null);
            }
        }
        lock.lock();
        try {
            while (true) {
                progress.checkUsable();
                progress.check(group.condition());
                if (progress.lastLsn() > Format.MAX_LSN - group.count()) {
                    throw new IllegalStateException("all LSNs are used up, the last is " + progress.lastLsn());
                }
                var room = terms.roomFor(group.frameBytes(), ticketLevel);
                if (room != Terms.Room.TAKEN) {
                    return Taken.not(room);
                }
                long reservation = terms.reserve(group);
                if (reservation != Term.REFUSED) {
                    return put(progress.term(), reservation, group, ticketLevel);
                }
                // Somebody was faster, without the lock.
            }
        } finally {
            unlock();
        }
    }

    private Taken put(Term term, long reservation, FrameGroup group, @Nullable Durability ticketLevel)
            throws WalException {
        try {
            term.put(reservation, group, progress.durableLsn());
        } catch (Throwable t) {
            progress.fail(t);
            throw t;
        }
        long lsn = term.lsnOf(reservation) + group.count() - 1;
        return new Taken(Terms.Room.TAKEN, lsn, ticketLevel == null ? null : progress.ticket(lsn, ticketLevel));
    }

    /** Where there is room, and whether what is there wants to be looked after. */
    Terms terms() {
        return terms;
    }

    /** Waits until something has changed that may give room; writes the buffer if that gives it and nobody does. */
    void awaitRoom() throws WalException {
        lock.lock();
        try {
            progress.checkUsable();
            if (isExclusive || isWriting) {
                progress.await();
            } else if (terms.hasUnwritten()) {
                if (!writeGroup()) {
                    pause();
                }
            } else if (!progress.hasRoomForTicket()) {
                progress.await();
            }
        } finally {
            unlock();
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
            boolean isFull = isExclusive || isWriting || terms.hasUnwritten() || !progress.hasRoomForTicket();
            return !isFull || progress.await(deadline);
        } finally {
            unlock();
        }
    }

    // -- commit

    /**
     * Brings every record up to {@code lsn} to a level, as leader or by waiting for one.
     *
     * @return the last LSN at that level
     */
    long commit(long lsn, Durability level) throws WalException {
        return commit(lsn, level, this::leadOrQueue);
    }

    /** As {@link #commit(long, Durability)}, by a driver that leads in the background. */
    long commit(long lsn, Durability level, Driver driver) throws WalException {
        return commit(lsn, level, (target, itsLevel) -> {
            var sleeper = progress.follower(target, itsLevel);
            if (sleeper != null) {
                driver.demand(target);
            }
            return sleeper;
        });
    }

    /** Does something for a record to reach a level, and says how to wait, if at all. */
    private interface Turn {
        Sleepers.@Nullable Sleeper take(long target, Durability level) throws WalException;
    }

    private long commit(long lsn, Durability level, Turn turn) throws WalException {
        long epoch = progress.epoch();
        long target = Math.min(lsn, progress.lastLsn());
        while (progress.reachedLsn(level) < target) {
            if (progress.epoch() != epoch) {
                // The record was synced before a truncation gave it up.
                return lsn;
            }
            var sleeper = turn.take(target, level);
            if (sleeper != null) {
                sleeper.sleep();
            }
        }
        return progress.reachedLsn(level);
    }

    private Sleepers.@Nullable Sleeper leadOrQueue(long target, Durability level) throws WalException {
        lock.lock();
        try {
            if (progress.reachedLsn(level) >= target) {
                return null;
            }
            progress.checkNotFailed();
            if (isExclusive || exclusiveWaiters > 0 || (level == Durability.SYNCED ? isSyncing : isWriting)) {
                return progress.sleeper(target, level);
            }
            if (progress.isReleased()) {
                throw new WalClosedException();
            }
            lead(target, level);
            return null;
        } finally {
            unlock();
        }
    }

    /** Does one round of work; of syncs, whoever has reached its target lets somebody else lead. */
    private void lead(long target, Durability level) {
        boolean hasWorked = level == Durability.SYNCED ? syncGroup(target) : writeGroup();
        if (progress.reachedLsn(level) >= target || progress.isFailed()) {
            if (level == Durability.SYNCED) {
                progress.handOver(level);
            }
        } else if (!hasWorked) {
            pause();
        }
    }

    /** A record that is put right now is in the way: gives its appender time, without the lock. */
    private void pause() {
        unlock();
        try {
            Backoff.pause();
        } finally {
            lock.lock();
        }
    }

    /** Wakes whoever was found to be done; never under the lock. */
    private void unlock() {
        progress.unlockAndWake();
    }

    /**
     * Writes what is published, on behalf of everybody. Called and returns with the lock; releases it for the write.
     *
     * @return false if nothing more is published
     */
    private boolean writeGroup() {
        var target = current();
        var term = terms.oldest();
        try {
            term.walk(target.index());
        } catch (Throwable t) {
            // Records may have been counted that were not walked, for lack of memory above all.
            progress.fail(t);
            return true;
        }
        var frames = term.frames();
        if (!frames.hasRemaining()) {
            return false;
        }
        long bytes = frames.remaining();
        isWriting = true;
        meter.writing(progress.durableLsn() < progress.lastLsn());
        unlock();
        Throwable thrown = null;
        try {
            target.writer().append(frames);
            terms.clearWritten(term);
        } catch (Throwable t) {
            thrown = t;
        } finally {
            lock.lock();
            isWriting = false;
            if (thrown == null) {
                terms.written(term);
                target.written(term.writtenPosition());
                meter.written(term.writtenLsn() - progress.writtenLsn(), bytes);
                progress.written(term.writtenLsn());
            } else {
                progress.fail(thrown);
            }
            progress.handOver(Durability.WRITTEN);
        }
        return true;
    }

    /**
     * Writes and syncs, on behalf of everybody. Called and returns with the lock; releases it for the I/O.
     *
     * @return false if there was nothing to sync, because a record that is put right now is in the way
     */
    private boolean syncGroup(long target) {
        isSyncing = true;
        try {
            while (isWriting) {
                progress.await();
            }
            writeUpTo(linger() ? Math.max(target, progress.lastLsn()) : target);
            if (progress.isFailed() || progress.writtenLsn() == progress.durableLsn()) {
                return progress.isFailed();
            }
            syncWritten();
            return true;
        } finally {
            isSyncing = false;
            progress.signal();
        }
    }

    /**
     * Puts a flush off that others wait for, so that more can share it, unless somebody needs the path for itself.
     *
     * @return whether it was put off
     */
    private boolean linger() {
        if (options.lingerDelay().isZero() || progress.lastLsn() - progress.durableLsn() <= options.lingerSiblings()) {
            return false;
        }
        var deadline = Deadline.after(options.lingerDelay());
        while (exclusiveWaiters == 0 && !progress.isFailed() && progress.await(deadline)) {
            // Something has changed that is no reason to hurry.
        }
        return true;
    }

    /** Waits a little for a record on the way; not long, because those before it want to be synced. */
    private void writeUpTo(long target) {
        int rounds = 0;
        while (!progress.isFailed() && progress.writtenLsn() < target && rounds < Backoff.SPIN_ROUNDS) {
            if (isWriting) {
                progress.await();
            } else if (!writeGroup()) {
                rounds++;
                Thread.onSpinWait();
            }
        }
    }

    /** The target is taken before the flush: what is written meanwhile is not covered by it. */
    private void syncWritten() {
        meter.flushing();
        var target = current();
        long targetLsn = progress.writtenLsn();
        long targetPosition = target.writtenPosition();
        unlock();
        Throwable thrown = null;
        try {
            target.writer().sync();
        } catch (Throwable t) {
            thrown = t;
        } finally {
            lock.lock();
            meter.flushed(targetLsn - progress.durableLsn(), thrown == null);
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
            var segment = terms.segment();
            if (segment == null || progress.isFailed() || progress.isClosed()) {
                return false;
            }
            var term = progress.term();
            if (isExclusive || isWriting || isSyncing || terms.isOneFull() || !term.stopIfWritten()) {
                return true;
            }
            long durableLsn = progress.durableLsn();
            boolean isMarkDue = durableLsn == progress.lastLsn() && markedLsn != durableLsn;
            if (isMarkDue && segment.hasSpaceFor(terms.position(), MARK_BYTES)) {
                markedLsn = durableLsn;
                long synced = segment.syncedPosition();
                term.putControl(frames -> frames.putMark(Format.MARK, synced, durableLsn, durableLsn));
            }
            terms.admit();
            writeGroup();
            return false;
        } finally {
            unlock();
        }
    }

    // -- exclusive work

    /** Runs work while nobody else appends, writes or syncs. */
    void exclusively(Work work) throws IOException {
        lock.lock();
        try {
            exclusiveWaiters++;
            progress.signal();
            while (isExclusive || isWriting || isSyncing) {
                progress.await();
            }
            exclusiveWaiters--;
            isExclusive = true;
            terms.shut();
        } finally {
            unlock();
        }
        try {
            work.run();
        } finally {
            lock.lock();
            try {
                isExclusive = false;
                terms.open();
                progress.handOver(Durability.WRITTEN);
                progress.handOver(Durability.SYNCED);
                progress.signal();
            } finally {
                unlock();
            }
        }
    }

    /** Puts control frames behind everything that was appended; by exclusive work only. */
    void putControl(Consumer<FrameBuffer> put) {
        lock.lock();
        try {
            progress.term().putControl(put);
        } finally {
            unlock();
        }
    }

    /** The segment being written; by exclusive work only. */
    @Nullable
    ActiveSegment segment() {
        return terms.segment();
    }

    /** Whether the segment being written can take a group; by exclusive work only. */
    boolean hasSegmentFor(long frameBytes) {
        var segment = terms.segment();
        return segment != null && !terms.isFull(segment, frameBytes);
    }

    /**
     * Prepares space for a group in the segment being written; by exclusive work only.
     *
     * @throws IOException if there is none; nothing has changed
     */
    void prepareFor(long frameBytes) throws IOException {
        current().prepareFor(terms.position(), frameBytes, options.segmentBytes());
    }

    /** Notes anew that everything before the close mark was synced, in its place: the mark itself may not have been. */
    void markResumed() throws WalException {
        lock.lock();
        try {
            var term = progress.term();
            long lastLsn = progress.lastLsn();
            term.stop();
            term.putControl(frames -> frames.putMark(Format.MARK, current().syncedPosition(), lastLsn, lastLsn));
            terms.admit();
            writeGroup();
            progress.checkNotFailed();
        } finally {
            unlock();
        }
    }

    private ActiveSegment current() {
        var current = terms.segment();
        if (current == null) {
            throw new IllegalStateException("no segment");
        }
        return current;
    }

    /** Makes a segment the one being written; by exclusive work only, when everything is written. */
    void begin(ActiveSegment next) {
        lock.lock();
        try {
            terms.begin(next);
            markedLsn = progress.durableLsn();
        } finally {
            unlock();
        }
    }

    /** Writes and syncs all that is buffered; by exclusive work only. */
    void drain() throws WalException {
        lock.lock();
        try {
            progress.checkNotFailed();
            var segment = terms.segment();
            if (segment != null) {
                while (terms.hasUnwritten() && !progress.isFailed()) {
                    if (!writeGroup()) {
                        pause();
                    }
                }
                if (!progress.isFailed() && segment.syncedPosition() < segment.writtenPosition()) {
                    syncWritten();
                }
            }
            progress.checkNotFailed();
        } finally {
            unlock();
        }
    }

    /** A copy of the index of the segment being written, if that is the segment asked for. */
    @Nullable
    SparseIndex indexOf(long sequence) {
        lock.lock();
        try {
            var segment = terms.segment();
            return segment != null && segment.header().sequence() == sequence
                    ? segment.index().copy()
                    : null;
        } finally {
            unlock();
        }
    }

    // -- what is counted

    /** Counts something that does not happen under the lock. */
    void count(Consumer<Meter> event) {
        lock.lock();
        try {
            event.accept(meter);
        } finally {
            unlock();
        }
    }

    Meter meter() {
        return meter;
    }

    WalMetrics metrics() {
        lock.lock();
        try {
            return meter.snapshot(
                    progress.lastLsn() - progress.writtenLsn(), terms.unwrittenBytes(), progress.waitingCount());
        } finally {
            unlock();
        }
    }

    /** How long the current segment is, buffered bytes included. */
    long endPosition() {
        lock.lock();
        try {
            return terms.segment() == null ? 0 : terms.position();
        } finally {
            unlock();
        }
    }
}
