package dev.kwal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * Appends to a log with something of its own: an epoch, a tag, or both. {@link Wal#beginWriting} and {@link Wal#tagged} hand it
 * out.
 *
 * <p>If it has an epoch it appends until a newer writer begins: from the moment in which the newer one is handed out, every
 * append through this one is a {@link WalFencedException}, one that was waiting for room included: no record of an older writer gets an LSN behind that. What it had appended before stays,
 * and commits.
 *
 * <p>Thread-safe. It needs no closing. What is not about appending is asked of the log, which nobody is shut out of.
 */
public final class WalWriter {
    private final WalOptions options;
    private final Appender appender;
    private final long epoch;
    private final int tag;

    WalWriter(WalOptions options, Appender appender, long epoch) {
        this(options, appender, epoch, WalRecord.NO_TAG);
    }

    private WalWriter(WalOptions options, Appender appender, long epoch, int tag) {
        this.options = options;
        this.appender = appender;
        this.epoch = epoch;
        this.tag = tag;
    }

    /**
     * The same writer with a tag for all records that it appends; this one stays as it is.
     *
     * @param tag 1 or more
     * @throws IllegalArgumentException if the tag is less than 1
     */
    public WalWriter tagged(int tag) {
        return new WalWriter(options, appender, epoch, checked(tag));
    }

    private static int checked(int tag) {
        if (tag < 1) {
            throw new IllegalArgumentException("tag is " + tag + ", expected 1 or more");
        }
        return tag;
    }

    /**
     * Which writer of this log it is: higher than every one before it, over all restarts. Good as a fencing token elsewhere. 0
     * if it has no epoch and is never shut out.
     */
    public long epoch() {
        return epoch;
    }

    /**
     * Appends a record at the default level of the options.
     *
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    public long append(ByteBuffer record) throws IOException {
        return append(record, options.defaultLevel());
    }

    /**
     * As {@link Wal#append(ByteBuffer, Durability)}.
     *
     * @throws WalFencedException if a newer writer has begun; it was not appended
     * @throws IOException as that does
     */
    public long append(ByteBuffer record, Durability level) throws IOException {
        return append(record, level, Deadline.NEVER);
    }

    /**
     * As {@link Wal#append(ByteBuffer, Durability, Duration)}.
     *
     * @throws WalFencedException if a newer writer has begun; it was not appended
     * @throws IOException as that does
     */
    public long append(ByteBuffer record, Durability level, Duration timeout) throws IOException {
        return append(record, level, Deadline.after(timeout));
    }

    private long append(ByteBuffer record, Durability level, Deadline deadline) throws IOException {
        return appender.append(group(record, bound()), level, deadline);
    }

    /**
     * Appends a batch at the default level of the options.
     *
     * @throws IOException as {@link #appendBatch(List, Durability)} does
     */
    public long appendBatch(List<ByteBuffer> records) throws IOException {
        return appendBatch(records, options.defaultLevel());
    }

    /**
     * As {@link Wal#appendBatch(List, Durability)}.
     *
     * @throws WalFencedException if a newer writer has begun; none was appended
     * @throws IOException as that does
     */
    public long appendBatch(List<ByteBuffer> records, Durability level) throws IOException {
        return appendBatch(records, level, Deadline.NEVER);
    }

    /**
     * As {@link Wal#appendBatch(List, Durability, Duration)}.
     *
     * @throws WalFencedException if a newer writer has begun; none was appended
     * @throws IOException as that does
     */
    public long appendBatch(List<ByteBuffer> records, Durability level, Duration timeout) throws IOException {
        return appendBatch(records, level, Deadline.after(timeout));
    }

    private long appendBatch(List<ByteBuffer> records, Durability level, Deadline deadline) throws IOException {
        return appender.append(group(records, bound()), level, deadline);
    }

    /**
     * As {@link #appendBatch(List, Durability)}, with a tag of its own for each record.
     *
     * @param tags as many as records; 1 or more, or {@link WalRecord#NO_TAG} for a record that gets none
     * @throws IllegalArgumentException also if there are more or less tags than records, or one is negative; none was appended
     * @throws WalFencedException if a newer writer has begun; none was appended
     * @throws IOException as that does
     */
    public long appendBatch(List<ByteBuffer> records, int[] tags, Durability level) throws IOException {
        var group = FrameGroup.of(records, options);
        if (tags.length != group.count()) {
            throw new IllegalArgumentException(tags.length + " tags for " + group.count() + " records");
        }
        var itsTags = tags.clone();
        for (int each : itsTags) {
            if (each != WalRecord.NO_TAG) {
                checked(each);
            }
        }
        return appender.append(group.tagged(itsTags).when(bound()), level, Deadline.NEVER);
    }

    /**
     * As {@link Wal#tryAppend}.
     *
     * @throws WalFencedException if a newer writer has begun; it was not appended
     * @throws IOException as that does
     */
    public long tryAppend(ByteBuffer record) throws IOException {
        return appender.tryAppend(group(record, bound()));
    }

    /**
     * As {@link Wal#tryAppendBatch}.
     *
     * @throws WalFencedException if a newer writer has begun; none was appended
     * @throws IOException as that does
     */
    public long tryAppendBatch(List<ByteBuffer> records) throws IOException {
        return appender.tryAppend(group(records, bound()));
    }

    private Precondition bound() {
        return new Precondition(Precondition.ANY, epoch);
    }

    private FrameGroup group(ByteBuffer record, Precondition condition) {
        return tagged(FrameGroup.of(record, options)).when(condition);
    }

    private FrameGroup group(List<ByteBuffer> records, Precondition condition) {
        return tagged(FrameGroup.of(records, options)).when(condition);
    }

    private FrameGroup tagged(FrameGroup group) {
        if (tag == WalRecord.NO_TAG) {
            return group;
        }
        var tags = new int[group.count()];
        Arrays.fill(tags, tag);
        return group.tagged(tags);
    }

    /**
     * As {@link Wal#appendIf(long, ByteBuffer, Durability)}.
     *
     * @throws WalFencedException if a newer writer has begun; it was not appended
     * @throws IOException as that does
     */
    public long appendIf(long expectedNextLsn, ByteBuffer record, Durability level) throws IOException {
        return appendIf(expectedNextLsn, record, level, Deadline.NEVER);
    }

    /**
     * As {@link Wal#appendIf(long, ByteBuffer, Durability, Duration)}.
     *
     * @throws WalFencedException if a newer writer has begun; it was not appended
     * @throws IOException as that does
     */
    public long appendIf(long expectedNextLsn, ByteBuffer record, Durability level, Duration timeout)
            throws IOException {
        return appendIf(expectedNextLsn, record, level, Deadline.after(timeout));
    }

    private long appendIf(long expectedNextLsn, ByteBuffer record, Durability level, Deadline deadline)
            throws IOException {
        var condition = Precondition.next(expectedNextLsn, epoch);
        return appender.append(group(record, condition), level, deadline);
    }

    /**
     * As {@link Wal#appendBatchIf(long, List, Durability)}.
     *
     * @throws WalFencedException if a newer writer has begun; none was appended
     * @throws IOException as that does
     */
    public long appendBatchIf(long expectedNextLsn, List<ByteBuffer> records, Durability level) throws IOException {
        return appendBatchIf(expectedNextLsn, records, level, Deadline.NEVER);
    }

    /**
     * As {@link Wal#appendBatchIf(long, List, Durability, Duration)}.
     *
     * @throws WalFencedException if a newer writer has begun; none was appended
     * @throws IOException as that does
     */
    public long appendBatchIf(long expectedNextLsn, List<ByteBuffer> records, Durability level, Duration timeout)
            throws IOException {
        return appendBatchIf(expectedNextLsn, records, level, Deadline.after(timeout));
    }

    private long appendBatchIf(long expectedNextLsn, List<ByteBuffer> records, Durability level, Deadline deadline)
            throws IOException {
        var condition = Precondition.next(expectedNextLsn, epoch);
        return appender.append(group(records, condition), level, deadline);
    }

    /** For messages: which writer it is. */
    @Override
    public String toString() {
        return "writer" + (epoch == Precondition.ANY ? "" : " " + epoch)
                + (tag == WalRecord.NO_TAG ? "" : ", tag " + tag);
    }
}
