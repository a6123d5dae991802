package dev.kwal;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The terms of the segment being written: the current one, {@link Progress#term()}, and at most one before it that is full and
 * not written yet. Grants room.
 *
 * <p>Always: the current term is stopped while somebody has the path for itself, and when the log has failed or is closed.
 * Guarded by the lock of the write path, but for what anybody may ask.
 */
final class Terms {
    /** Room kept in the buffer for control frames. */
    private static final int CONTROL_BYTES = (int) Format.frameBytes(SealFrame.maxBytes()) + 1024;

    private final WalOptions options;
    private final Progress progress;
    private final boolean hasAge;
    private final int bufferBytes;
    private final Deque<LogBuffer> free = new ArrayDeque<>(2);

    private volatile @Nullable ActiveSegment segment;
    private volatile @Nullable Term full;
    private volatile boolean isAhead = true;
    private boolean isShut;

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

    Terms(WalOptions options, Progress progress, IntFunction<LogBuffer> buffers) {
        this.options = options;
        this.progress = progress;
        this.hasAge = !options.segmentAge().equals(WalOptions.FOREVER);
        this.bufferBytes = options.bufferBytes() + CONTROL_BYTES;
        free.add(buffers.apply(bufferBytes));
        free.add(buffers.apply(bufferBytes));
    }

    @Nullable
    ActiveSegment segment() {
        return segment;
    }

    /** Goes on in another segment, when everything is written. */
    void begin(ActiveSegment next) {
        giveBack(progress.term());
        progress.begin(Term.of(free.remove(), next.salt(), next.writtenPosition(), progress.lastLsn()));
        segment = next;
        isAhead = false;
    }

    /** Somebody has the path for itself. */
    void shut() {
        isShut = true;
        progress.term().stop();
    }

    /** Nobody has it any more. */
    void open() {
        isShut = false;
        admit();
    }

    /** Reserves without a lock what was granted already; may be called by anybody. */
    long tryReserve(Term term, long frameBytes) {
        return hasAge && isOld() ? Term.REFUSED : term.reserve(frameBytes);
    }

    /** As {@link #tryReserve(Term, long)}, for a group. */
    long tryReserve(Term term, FrameGroup group) {
        return hasAge && isOld() ? Term.REFUSED : term.reserve(group);
    }

    /** What is in the way of a group, if anything is. */
    Room roomFor(long frameBytes, @Nullable Durability ticketLevel) {
        if (isShut) {
            return Room.BUSY;
        }
        var current = segment;
        if (current == null || !current.hasSpaceFor(position(), frameBytes) || isFull(current, frameBytes)) {
            return Room.NO_SEGMENT;
        }
        if (ticketLevel != null && !progress.hasRoomForTicket()) {
            return Room.FULL;
        }
        var term = progress.term();
        boolean isFull =
                term.fill() + frameBytes + CONTROL_BYTES > term.shared().capacity();
        boolean canSwitch = full == null && (!isLarge(frameBytes) || term.isWritten());
        return isFull && !canSwitch ? Room.FULL : Room.TAKEN;
    }

    /** Where in the segment the next frame goes. */
    long position() {
        return progress.term().endPosition();
    }

    private boolean isLarge(long frameBytes) {
        return frameBytes + CONTROL_BYTES > bufferBytes;
    }

    boolean isFull(ActiveSegment current, long frameBytes) {
        return hasRecords(current) && (position() + frameBytes > options.segmentBytes() || (hasAge && isOld()));
    }

    /** Whether it has a record, in the buffer at least. */
    boolean hasRecords(ActiveSegment current) {
        return progress.lastLsn() >= current.open().baseLsn();
    }

    private boolean isOld() {
        var current = segment;
        return current == null || System.nanoTime() - current.beginNanos() >= Deadline.toNanos(options.segmentAge());
    }

    /** Reserves; where that takes more than was granted, in a term that is stopped meanwhile. */
    long reserve(FrameGroup group) {
        long frameBytes = group.frameBytes();
        var term = progress.term();
        long granted = term.reserve(group);
        if (granted != Term.REFUSED) {
            // Somebody made room meanwhile. To stop the term would send everybody else here.
            return granted;
        }
        term.stop();
        var current = segment;
        if (current == null || roomFor(frameBytes, null) != Room.TAKEN || !takes(group, term)) {
            term.resume();
            return Term.REFUSED;
        }
        if (term.fill() + frameBytes + CONTROL_BYTES > term.shared().capacity()) {
            term = nextAfter(term, current, frameBytes);
        }
        long reservation = term.reserveStopped(frameBytes, group.count());
        admit();
        return reservation;
    }

    /** Asks the group, whose clock may throw, with the term stopped. */
    private static boolean takes(FrameGroup group, Term term) {
        try {
            return group.takes(term.lastLsn() + 1);
        } catch (Throwable t) {
            term.resume();
            throw t;
        }
    }

    /** Goes on in the other buffer, or in one of its own for a group that fits in neither. */
    private Term nextAfter(Term term, ActiveSegment current, long frameBytes) {
        long position = term.endPosition();
        long lastLsn = term.lastLsn();
        if (term.isWritten()) {
            giveBack(term);
        } else {
            full = term;
        }
        var buffer =
                isLarge(frameBytes) ? LogBuffer.onHeap(Math.toIntExact(frameBytes + CONTROL_BYTES)) : free.remove();
        var next = Term.of(buffer, current.salt(), position, lastLsn);
        progress.begin(next);
        return next;
    }

    /** Lets appenders fill the term as far as they may without asking, if there is a segment to fill. */
    void admit() {
        var current = segment;
        if (!isShut && current != null && !progress.isFailed() && !progress.isClosed()) {
            var term = progress.term();
            long end = Math.min(options.segmentBytes(), current.safeEnd()) - term.basePosition();
            term.grant(Math.min(end, term.shared().capacity() - CONTROL_BYTES));
            term.resume();
        }
    }

    private void giveBack(Term term) {
        if (isReused(term)) {
            free.add(term.shared());
        }
    }

    private boolean isReused(Term term) {
        return term.hasBuffer() && term.shared().capacity() == bufferBytes;
    }

    /** Zeroes what was walked and is written, without the lock; by who wrote it. */
    void clearWritten(Term term) {
        if (isReused(term)) {
            term.clearWritten();
        }
    }

    /** Whether so much is buffered that it should be written now. */
    boolean isDueToWrite() {
        var term = progress.term();
        return full != null
                || term.unwrittenBytes() >= options.flushBytes()
                || term.unwrittenCount() >= options.flushRecords();
    }

    /** Whether the segment is half full, and the next one should be prepared; says so once. */
    boolean isDueToPrepare() {
        if (isAhead || progress.term().endPosition() <= options.segmentBytes() / 2) {
            return false;
        }
        isAhead = true;
        return true;
    }

    /** Whether something was appended that is not written. */
    boolean hasUnwritten() {
        return full != null || !progress.term().isWritten();
    }

    /** How many bytes were appended and are not written. */
    long unwrittenBytes() {
        var before = full;
        return (before == null ? 0 : before.unwrittenBytes()) + progress.term().unwrittenBytes();
    }

    /** The one to be written first. */
    Term oldest() {
        var before = full;
        return before == null ? progress.term() : before;
    }

    boolean isOneFull() {
        return full != null;
    }

    /** What was walked of a term is written. */
    void written(Term term) {
        term.written();
        if (term == full && term.isWritten()) {
            full = null;
            giveBack(term);
        }
    }
}
