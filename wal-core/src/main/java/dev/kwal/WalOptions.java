package dev.kwal;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;

/**
 * How a log behaves. Immutable; each {@code with} method gives a changed copy and refuses values out of range with an
 * {@link IllegalArgumentException} that names them. Nothing here is stored: a log can be opened with other options later.
 *
 * @param segmentBytes when a segment is full, 1 KiB to 1 TiB; a longer record or batch gets a segment of its own
 * @param maxRecordBytes the longest record, 1 byte to 1 GiB
 * @param maxBatchBytes the largest batch, all records with their frames but for tags and timestamps, 1 byte to 1
 *     GiB
 * @param bufferBytes how much is buffered before an append waits, 4 KiB to 1 GiB; twice this is allocated outside the heap
 * @param defaultLevel the level of appends that name none
 * @param flushInterval the longest time that a buffered record stays in this process, 1 ms to 1 hour; also how long the log
 *     must be idle before it notes in the log what is durable
 * @param flushBytes how many buffered bytes are written at once, 1 to any
 * @param flushRecords how many buffered records are written at once, 1 to any
 * @param segmentAge how old a segment becomes before the next append rotates, more than zero; {@link #FOREVER} for any age
 * @param lingerDelay how long a flush is put off that {@link #lingerSiblings()} others wait for, zero to 1 hour
 * @param lingerSiblings how many other records must wait for a flush that is put off, 1 or more
 * @param expectAtLeast an LSN known to have been synced, from a snapshot for example: opening fails if it is missing; 0 for
 *     none
 * @param verifyOnOpen whether opening checks every record of every segment, not the last segment only; several
 *     segments at a time, unless {@code readAhead} is off
 * @param readAhead whether another thread reads ahead, and checks records, too, in a replay and when opening scans the last
 *     segment: faster where a second core is free. It begins behind the first 164 KiB of a segment, takes up to 2 MiB of
 *     heap for each cursor, and costs the other core what it saves this one. On by default
 * @param completionExecutor where tickets complete; {@link ForkJoinPool#commonPool()} by default
 * @param retention how large the log may become, and what it drops by itself; {@link Retention#UNLIMITED} by default
 * @param clock dates each record, to the millisecond, which costs 8 bytes a record and one short step that appenders share;
 *     {@link #NO_CLOCK} by default
 * @param listener hears of segments, pins and failures; {@link WalListener#NONE} by default
 */
public record WalOptions(
        long segmentBytes,
        int maxRecordBytes,
        int maxBatchBytes,
        int bufferBytes,
        Durability defaultLevel,
        Duration flushInterval,
        int flushBytes,
        int flushRecords,
        Duration segmentAge,
        Duration lingerDelay,
        int lingerSiblings,
        long expectAtLeast,
        boolean verifyOnOpen,
        boolean readAhead,
        Executor completionExecutor,
        Retention retention,
        InstantSource clock,
        WalListener listener) {
    private static final long MAX_SEGMENT_BYTES = 1L << 40;
    private static final int MAX_BYTES = 1 << 30;
    private static final Duration MAX_LINGER = Duration.ofHours(1);

    /** No limit of age. */
    public static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

    /** Dates nothing. */
    public static final InstantSource NO_CLOCK = () -> Instant.EPOCH.minusMillis(1);

    /**
     * Segments of 64 MiB, records of 64 MiB at most, a buffer of 4 MiB, level {@link Durability#WRITTEN}, buffered records
     * written after 50 ms, 1 MiB or 10,000 records.
     */
    public static final WalOptions DEFAULT = new WalOptions(
            64 << 20,
            64 << 20,
            64 << 20,
            4 << 20,
            Durability.WRITTEN,
            Duration.ofMillis(50),
            1 << 20,
            10_000,
            FOREVER,
            Duration.ZERO,
            1,
            0,
            false,
            true,
            ForkJoinPool.commonPool(),
            Retention.UNLIMITED,
            NO_CLOCK,
            WalListener.NONE);

    /** Checks every value. */
    public WalOptions {
        check("segmentBytes", segmentBytes, 1 << 10, MAX_SEGMENT_BYTES);
        check("maxRecordBytes", maxRecordBytes, 1, MAX_BYTES);
        check("maxBatchBytes", maxBatchBytes, 1, MAX_BYTES);
        check("bufferBytes", bufferBytes, 4 << 10, MAX_BYTES);
        check("flushBytes", flushBytes, 1, Integer.MAX_VALUE);
        check("flushRecords", flushRecords, 1, Integer.MAX_VALUE);
        check("lingerSiblings", lingerSiblings, 1, Integer.MAX_VALUE);
        check("expectAtLeast", expectAtLeast, 0, Long.MAX_VALUE);
        if (defaultLevel == null
                || flushInterval == null
                || segmentAge == null
                || lingerDelay == null
                || completionExecutor == null
                || retention == null
                || clock == null
                || listener == null) {
            throw new IllegalArgumentException("an option is null");
        }
        if (flushInterval.compareTo(Duration.ofMillis(1)) < 0 || flushInterval.compareTo(Duration.ofHours(1)) > 0) {
            throw new IllegalArgumentException("flushInterval is " + flushInterval + ", expected 1 ms to 1 hour");
        }
        if (segmentAge.isNegative() || segmentAge.isZero()) {
            throw new IllegalArgumentException("segmentAge is " + segmentAge + ", expected more than zero");
        }
        if (lingerDelay.isNegative() || lingerDelay.compareTo(MAX_LINGER) > 0) {
            throw new IllegalArgumentException("lingerDelay is " + lingerDelay + ", expected zero to 1 hour");
        }
    }

    /** A copy with another {@link #segmentBytes()}. */
    public WalOptions withSegmentBytes(long segmentBytes) {
        var draft = new Draft(this);
        draft.segmentBytes = segmentBytes;
        return draft.options();
    }

    /** A copy with another {@link #maxRecordBytes()}. */
    public WalOptions withMaxRecordBytes(int maxRecordBytes) {
        var draft = new Draft(this);
        draft.maxRecordBytes = maxRecordBytes;
        return draft.options();
    }

    /** A copy with another {@link #maxBatchBytes()}. */
    public WalOptions withMaxBatchBytes(int maxBatchBytes) {
        var draft = new Draft(this);
        draft.maxBatchBytes = maxBatchBytes;
        return draft.options();
    }

    /** A copy with another {@link #bufferBytes()}. */
    public WalOptions withBufferBytes(int bufferBytes) {
        var draft = new Draft(this);
        draft.bufferBytes = bufferBytes;
        return draft.options();
    }

    /** A copy with another {@link #defaultLevel()}. */
    public WalOptions withDefaultLevel(Durability defaultLevel) {
        var draft = new Draft(this);
        draft.defaultLevel = defaultLevel;
        return draft.options();
    }

    /** A copy with another {@link #flushInterval()}. */
    public WalOptions withFlushInterval(Duration flushInterval) {
        var draft = new Draft(this);
        draft.flushInterval = flushInterval;
        return draft.options();
    }

    /** A copy with another {@link #flushBytes()}. */
    public WalOptions withFlushBytes(int flushBytes) {
        var draft = new Draft(this);
        draft.flushBytes = flushBytes;
        return draft.options();
    }

    /** A copy with another {@link #flushRecords()}. */
    public WalOptions withFlushRecords(int flushRecords) {
        var draft = new Draft(this);
        draft.flushRecords = flushRecords;
        return draft.options();
    }

    /** A copy with another {@link #segmentAge()}. */
    public WalOptions withSegmentAge(Duration segmentAge) {
        var draft = new Draft(this);
        draft.segmentAge = segmentAge;
        return draft.options();
    }

    /**
     * A copy in which a flush that at least {@code minSiblings} other records wait for is put off for {@code maxDelay}, so that
     * more can share it: fewer flushes for longer waits. Records count, whoever appended them, so a single one is flushed at once
     * and a batch is not. What cannot wait, such as a rotation, a checkpoint or closing, ends the delay; the time limit of a
     * caller does not.
     *
     * @param maxDelay zero, the default, to 1 hour
     * @param minSiblings 1 or more
     */
    public WalOptions withLinger(Duration maxDelay, int minSiblings) {
        var draft = new Draft(this);
        draft.lingerDelay = maxDelay;
        draft.lingerSiblings = minSiblings;
        return draft.options();
    }

    /** A copy with another {@link #expectAtLeast()}. */
    public WalOptions withExpectAtLeast(long expectAtLeast) {
        var draft = new Draft(this);
        draft.expectAtLeast = expectAtLeast;
        return draft.options();
    }

    /** A copy with another {@link #verifyOnOpen()}. */
    public WalOptions withVerifyOnOpen(boolean verifyOnOpen) {
        var draft = new Draft(this);
        draft.verifyOnOpen = verifyOnOpen;
        return draft.options();
    }

    /** A copy with another {@link #readAhead()}. */
    public WalOptions withReadAhead(boolean readAhead) {
        var draft = new Draft(this);
        draft.readAhead = readAhead;
        return draft.options();
    }

    /** A copy with another {@link #completionExecutor()}. */
    public WalOptions withCompletionExecutor(Executor completionExecutor) {
        var draft = new Draft(this);
        draft.completionExecutor = completionExecutor;
        return draft.options();
    }

    /** A copy with another {@link #retention()}. */
    public WalOptions withRetention(Retention retention) {
        var draft = new Draft(this);
        draft.retention = retention;
        return draft.options();
    }

    /**
     * A copy with another {@link #clock()}, as {@link InstantSource#system()}. Records get the time that it says when they are
     * appended, or that of the record before them where that is later: timestamps never go back, whatever the clock does, over
     * restarts too. For that, opening the log reads backwards to the last record that has a timestamp: far, where the log was
     * used without a clock. Where that one is damaged, one before it has to do. Which record came first is for their LSNs to
     * say. Where the clock shows a time before 1970 the record gets no timestamp. The clock is read by the threads that append,
     * and what it throws fails their append alone.
     */
    public WalOptions withClock(InstantSource clock) {
        var draft = new Draft(this);
        draft.clock = clock;
        return draft.options();
    }

    /** A copy with another {@link #listener()}. */
    public WalOptions withListener(WalListener listener) {
        var draft = new Draft(this);
        draft.listener = listener;
        return draft.options();
    }

    private static void check(String name, long value, long min, long max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + " is " + value + ", expected " + min + " to " + max);
        }
    }

    /** Values on their way from one set of options to the next. */
    private static final class Draft {
        private long segmentBytes;
        private int maxRecordBytes;
        private int maxBatchBytes;
        private int bufferBytes;
        private Durability defaultLevel;
        private Duration flushInterval;
        private int flushBytes;
        private int flushRecords;
        private Duration segmentAge;
        private Duration lingerDelay;
        private int lingerSiblings;
        private long expectAtLeast;
        private boolean verifyOnOpen;
        private boolean readAhead;
        private Executor completionExecutor;
        private Retention retention;
        private InstantSource clock;
        private WalListener listener;

        Draft(WalOptions from) {
            this.segmentBytes = from.segmentBytes;
            this.maxRecordBytes = from.maxRecordBytes;
            this.maxBatchBytes = from.maxBatchBytes;
            this.bufferBytes = from.bufferBytes;
            this.defaultLevel = from.defaultLevel;
            this.flushInterval = from.flushInterval;
            this.flushBytes = from.flushBytes;
            this.flushRecords = from.flushRecords;
            this.segmentAge = from.segmentAge;
            this.lingerDelay = from.lingerDelay;
            this.lingerSiblings = from.lingerSiblings;
            this.expectAtLeast = from.expectAtLeast;
            this.verifyOnOpen = from.verifyOnOpen;
            this.readAhead = from.readAhead;
            this.completionExecutor = from.completionExecutor;
            this.retention = from.retention;
            this.clock = from.clock;
            this.listener = from.listener;
        }

        WalOptions options() {
            return new WalOptions(
                    segmentBytes,
                    maxRecordBytes,
                    maxBatchBytes,
                    bufferBytes,
                    defaultLevel,
                    flushInterval,
                    flushBytes,
                    flushRecords,
                    segmentAge,
                    lingerDelay,
                    lingerSiblings,
                    expectAtLeast,
                    verifyOnOpen,
                    readAhead,
                    completionExecutor,
                    retention,
                    clock,
                    listener);
        }
    }
}
