package dev.kwal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One filling of a buffer with frames of one segment, back to back, in disk format.
 *
 * <pre>
 * state     63      62              32 31                0
 *           | stop | records reserved | 8-byte words reserved |
 * </pre>
 *
 * <p>An appender reserves bytes and LSNs with one compare-and-set of the state, puts its frames there, and publishes them by
 * their first length word. One compare-and-set that fails has reserved nothing. Nothing else is shared: no lock, no system
 * call, no code of callers.
 *
 * <p>Always: what is published is not changed before it is written; a stopped term grants nothing; {@code writtenOffset <= walkedOffset <= fill}.
 * {@link #reserve} and the methods to put may be called by anybody, everything else under the lock of the write path.
 */
final class Term {
    /** What {@link #reserve} says when it grants nothing. */
    static final long REFUSED = -1;

    private static final long STOPPED = 1L << 63;
    private static final int COUNT_SHIFT = 32;
    private static final long WORDS_MASK = 0xFFFF_FFFFL;
    private static final int WORD_SHIFT = 3;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Term.class, "state", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final @Nullable LogBuffer buffer;
    private final int salt;
    private final long basePosition;
    private final long baseLsn;
    private final long countLimit;

    private volatile long state;
    private volatile int limit;
    private volatile int writtenOffset;
    private volatile long writtenCount;
    private int walkedOffset;
    private long walkedCount;

    private Term(@Nullable LogBuffer buffer, int salt, long basePosition, long baseLsn, int fill) {
        this.buffer = buffer;
        this.salt = salt;
        this.basePosition = basePosition;
        this.baseLsn = baseLsn;
        this.countLimit = Math.min(Integer.MAX_VALUE, Format.MAX_LSN - baseLsn);
        this.state = STOPPED | (fill >> WORD_SHIFT);
        this.writtenOffset = fill;
        this.walkedOffset = fill;
    }

    /** Where there is no segment to append to. */
    static Term none(long lastLsn) {
        return new Term(null, 0, 0, lastLsn, 0);
    }

    /**
     * Begins to fill a cleared buffer. It is stopped.
     *
     * @param position where in the segment the first frame goes
     * @param lastLsn the LSN before that of the first record
     */
    static Term of(LogBuffer buffer, int salt, long position, long lastLsn) {
        return new Term(buffer, salt, position, lastLsn, 0);
    }

    /** The same place with another last LSN, after a truncation; everything is written. */
    Term rebased(long lastLsn) {
        return new Term(buffer, salt, basePosition, lastLsn, fill());
    }

    // -- append

    /**
     * Reserves room and an LSN for a record alone.
     *
     * @return what to put there with, or {@link #REFUSED}
     */
    long reserve(long frameBytes) {
        return reserve(frameBytes, 1, null);
    }

    /**
     * Reserves room and LSNs, if the group takes the first of them.
     *
     * @return what to put there with, or {@link #REFUSED}
     */
    long reserve(FrameGroup group) {
        return reserve(group.frameBytes(), group.count(), group);
    }

    private long reserve(long frameBytes, int count, @Nullable FrameGroup group) {
        while (true) {
            long now = state;
            if (now < 0 || offset(now) + frameBytes > limit || (now >>> COUNT_SHIFT) + count > countLimit) {
                return REFUSED;
            }
            if (group != null && !group.takes(lsnOf(now))) {
                return REFUSED;
            }
            long next = now + ((long) count << COUNT_SHIFT) + (frameBytes >>> WORD_SHIFT);
            if (STATE.compareAndSet(this, now, next)) {
                return now;
            }
        }
    }

    /** Reserves while it is stopped; whoever asks has looked whether there is room. */
    long reserveStopped(long frameBytes, int count) {
        long now = state & ~STOPPED;
        STATE.setVolatile(this, STOPPED | now + ((long) count << COUNT_SHIFT) + (frameBytes >>> WORD_SHIFT));
        return now;
    }

    private static long offset(long state) {
        return (state & WORDS_MASK) << WORD_SHIFT;
    }

    /** The first LSN of a reservation. */
    long lsnOf(long reservation) {
        return baseLsn + (reservation >>> COUNT_SHIFT) + 1;
    }

    /** Puts one record into its reservation, whole, and publishes it. */
    void put(long reservation, ByteBuffer record, int from, int length, long durableLsn) {
        int at = (int) offset(reservation);
        put(at, 0, record, from, length, Format.SINGLE, lsnOf(reservation), durableLsn);
        shared().publish(at, Format.FRAME_HEADER_BYTES + length);
    }

    /** Puts a group into its reservation. Its first frame is published last, so that it is seen whole or not at all. */
    void put(long reservation, FrameGroup group, long durableLsn) {
        int first = (int) offset(reservation);
        int extension = group.extensionBytes();
        int at = first;
        for (int number = 0; number < group.count(); number++) {
            var record = group.record(number);
            int length = record.remaining();
            long lsn = lsnOf(reservation) + number;
            group.putExtension(shared().bytes(), at + Format.FRAME_HEADER_BYTES, number);
            put(at, extension, record, record.position(), length, group.flags(number), lsn, durableLsn);
            if (number > 0) {
                shared().publish(at, Format.FRAME_HEADER_BYTES + extension + length);
            }
            at += (int) Format.frameBytes((long) extension + length);
        }
        int firstLength = group.record(0).remaining();
        shared().publish(first, Format.FRAME_HEADER_BYTES + extension + firstLength);
    }

    private void put(
            int at, int extension, ByteBuffer record, int from, int length, byte flags, long lsn, long durableLsn) {
        var bytes = shared().bytes();
        int to = at + Format.FRAME_HEADER_BYTES + extension;
        if (record.hasArray()) {
            // Nothing is asked of the buffer that its owner could move meanwhile.
            bytes.put(to, record.array(), record.arrayOffset() + from, length);
        } else {
            bytes.put(to, record, from, length);
        }
        int body = extension + length;
        long position = basePosition + at;
        Format.putRecordFields(bytes, at, salt, position, flags, lsn, durableLsn, extension, body, new CRC32C());
    }

    // -- what was reserved

    int fill() {
        return (int) offset(state);
    }

    boolean isStopped() {
        return state < 0;
    }

    /** The LSN of the last record that has room. */
    long lastLsn() {
        return baseLsn + ((state & ~STOPPED) >>> COUNT_SHIFT);
    }

    /** Where in the segment the next frame goes. */
    long endPosition() {
        return basePosition + fill();
    }

    long basePosition() {
        return basePosition;
    }

    boolean hasBuffer() {
        return buffer != null;
    }

    LogBuffer shared() {
        if (buffer == null) {
            throw new IllegalStateException("no segment");
        }
        return buffer;
    }

    /** How many bytes were reserved and not written yet. */
    long unwrittenBytes() {
        return (long) fill() - writtenOffset;
    }

    /** How many records were reserved and not written yet. */
    long unwrittenCount() {
        return ((state & ~STOPPED) >>> COUNT_SHIFT) - writtenCount;
    }

    boolean isWritten() {
        return writtenOffset == fill();
    }

    // -- granting

    /** Grants room up to an offset in the buffer. */
    void grant(long upTo) {
        limit = (int) Math.max(0, upTo);
    }

    /** Nothing more is granted. */
    void stop() {
        STATE.getAndBitwiseOr(this, STOPPED);
    }

    /** Stops if everything that was granted is written. */
    boolean stopIfWritten() {
        long now = state;
        return now >= 0 && offset(now) == writtenOffset && STATE.compareAndSet(this, now, now | STOPPED);
    }

    void resume() {
        STATE.getAndBitwiseAnd(this, ~STOPPED);
    }

    /** Puts control frames while it is stopped; there is room for some behind all that is ever granted. */
    void putControl(Consumer<FrameBuffer> put) {
        if (!isStopped()) {
            throw new IllegalStateException("not stopped");
        }
        int fill = fill();
        var frames = FrameBuffer.over(shared().bytes(), salt, basePosition, fill);
        put.accept(frames);
        STATE.setVolatile(this, state + ((frames.fill() - fill) >> WORD_SHIFT));
    }

    // -- writing

    /**
     * Finds how far frames are published without a gap, and notes the records among them.
     *
     * @return up to which offset
     */
    int walk(SparseIndex index) {
        int end = fill();
        var bytes = shared().bytes();
        int at = walkedOffset;
        while (at < end) {
            int length = shared().publishedLength(at);
            if (length == 0) {
                break;
            }
            if (Format.kind(bytes, at) == Format.RECORD) {
                walkedCount++;
                index.add(baseLsn + walkedCount, basePosition + at);
            }
            at += (int) Format.align(length);
        }
        walkedOffset = at;
        return at;
    }

    /** What was walked and not written, for one write. */
    ByteBuffer frames() {
        return shared().bytes().duplicate().limit(walkedOffset).position(writtenOffset);
    }

    /** Zeroes what was walked and is written, which is still near the processor, for the next term. Without the lock. */
    void clearWritten() {
        shared().clear(writtenOffset, walkedOffset);
    }

    /** What was walked is written. */
    void written() {
        writtenOffset = walkedOffset;
        writtenCount = walkedCount;
    }

    /** The last record that is written. */
    long writtenLsn() {
        return baseLsn + writtenCount;
    }

    long writtenPosition() {
        return basePosition + writtenOffset;
    }
}
