package dev.kwal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;

/**
 * Appends to a log until a newer writer begins. {@link Wal#beginWriting} hands it out.
 *
 * <p>From the moment in which the newer one is handed out, every append through this one is a {@link WalFencedException}, one
 * that was waiting for room included: no record of an older writer gets an LSN behind that. What it had appended before stays,
 * and commits.
 *
 * <p>Thread-safe. It needs no closing. What is not about appending is asked of the log, which nobody is shut out of.
 */
public final class WalWriter {
    private final WalOptions options;
    private final Appender appender;
    private final long epoch;

    WalWriter(WalOptions options, Appender appender, long epoch) {
        this.options = options;
        this.appender = appender;
        this.epoch = epoch;
    }

    /** Which writer of this log it is: higher than every one before it, over all restarts. Good as a fencing token elsewhere. */
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
        return appender.append(FrameGroup.of(record, options).when(bound()), level, deadline);
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
        return appender.append(FrameGroup.of(records, options).when(bound()), level, deadline);
    }

    private Precondition bound() {
        return new Precondition(Precondition.ANY, epoch);
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
        return appender.append(FrameGroup.of(record, options).when(condition), level, deadline);
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
        return appender.append(FrameGroup.of(records, options).when(condition), level, deadline);
    }

    /** For messages: which writer it is. */
    @Override
    public String toString() {
        return "writer " + epoch;
    }
}
