package dev.kwal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A log of values: a {@link Wal} whose records a codec encodes and decodes. It adds no behaviour; what is about LSNs alone is
 * asked of the log itself.
 *
 * <p>A value is encoded on the caller's thread before anything is appended. A record that cannot be decoded is a
 * {@link WalDecodingException} with its LSN where its value is asked for, and reading can go on behind it.
 *
 * <p>Thread-safe.
 */
public final class TypedWal<T> implements Closeable {
    private final Wal wal;
    private final RecordCodec<T> codec;

    private TypedWal(Wal wal, RecordCodec<T> codec) {
        this.wal = wal;
        this.codec = codec;
    }

    /** A log as a codec sees it. Both are used on; closing one closes the other. */
    public static <T> TypedWal<T> of(Wal wal, RecordCodec<T> codec) {
        return new TypedWal<>(wal, codec);
    }

    /** The log, to sync, check points, truncate and so on. */
    public Wal wal() {
        return wal;
    }

    /**
     * Appends a value at the default level of the log's options.
     *
     * @return its LSN
     * @throws IOException as {@link Wal#append(ByteBuffer)} does, or if it cannot be encoded
     */
    public long append(T value) throws IOException {
        return wal.append(codec.encode(value));
    }

    /**
     * Appends a value and waits until it has reached a level.
     *
     * @return its LSN
     * @throws IOException as {@link Wal#append(ByteBuffer, Durability)} does, or if it cannot be encoded
     */
    public long append(T value, Durability level) throws IOException {
        return wal.append(codec.encode(value), level);
    }

    /**
     * Like {@link #append(Object, Durability)}, for at most so long.
     *
     * @return its LSN
     * @throws IOException as {@link Wal#append(ByteBuffer, Durability, Duration)} does, or if it cannot be encoded
     */
    public long append(T value, Durability level, Duration timeout) throws IOException {
        return wal.append(codec.encode(value), level, timeout);
    }

    /**
     * Appends a value and syncs: it survives a loss of power on return.
     *
     * @return its LSN
     * @throws IOException as {@link Wal#append(ByteBuffer, Durability)} does, or if it cannot be encoded
     */
    public long appendAndSync(T value) throws IOException {
        return append(value, Durability.SYNCED);
    }

    /**
     * Appends values that come back all or none after a crash.
     *
     * @return the LSN of the last
     * @throws IOException as {@link Wal#appendBatch(List, Durability)} does, or if one cannot be encoded; then none was
     *     appended
     */
    public long appendBatch(List<? extends T> values, Durability level) throws IOException {
        return wal.appendBatch(encoded(values), level);
    }

    /**
     * Appends a value, if it gets exactly the LSN expected, and waits until it has reached a level.
     *
     * @return its LSN, which is the one expected
     * @throws WalConflictException if another LSN was next; it was not appended
     * @throws IOException as {@link Wal#appendIf(long, ByteBuffer, Durability)} does, or if it cannot be encoded
     */
    public long appendIf(long expectedNextLsn, T value, Durability level) throws IOException {
        return wal.appendIf(expectedNextLsn, codec.encode(value), level);
    }

    /**
     * Appends values that come back all or none after a crash, if the first gets exactly the LSN expected.
     *
     * @return the LSN of the last
     * @throws WalConflictException if another LSN was next; none was appended
     * @throws IOException as {@link Wal#appendBatchIf(long, List, Durability)} does, or if one cannot be encoded; then none was
     *     appended
     */
    public long appendBatchIf(long expectedNextLsn, List<? extends T> values, Durability level) throws IOException {
        return wal.appendBatchIf(expectedNextLsn, encoded(values), level);
    }

    /**
     * Appends a value to the buffer if that needs neither waiting nor I/O.
     *
     * @return its LSN, or {@link Wal#NO_ROOM}
     * @throws IOException as {@link Wal#tryAppend} does, or if it cannot be encoded
     */
    public long tryAppend(T value) throws IOException {
        return wal.tryAppend(codec.encode(value));
    }

    /**
     * Appends a value and gives a receipt that completes at a level.
     *
     * @throws IOException as {@link Wal#appendAsync(ByteBuffer, Durability)} does, or if it cannot be encoded
     */
    public WalTicket appendAsync(T value, Durability level) throws IOException {
        return wal.appendAsync(codec.encode(value), level);
    }

    /**
     * Reads one record. Decodes it when its value is asked for.
     *
     * @throws IOException as {@link Wal#read} does
     */
    public TypedRecord<T> read(long lsn) throws IOException {
        return TypedRecord.of(wal.read(lsn), codec);
    }

    /**
     * A cursor over what is there.
     *
     * @throws IOException as {@link Wal#replay} does
     */
    public TypedCursor<T> replay(long fromLsn) throws IOException {
        return new TypedCursor<>(wal.replay(fromLsn), codec);
    }

    /**
     * A cursor that goes on with new records as they become durable.
     *
     * @throws IOException as {@link Wal#follow(long)} does
     */
    public TypedCursor<T> follow(long fromLsn) throws IOException {
        return new TypedCursor<>(wal.follow(fromLsn), codec);
    }

    /**
     * A cursor that goes on with new records as they reach a level.
     *
     * @throws IOException as {@link Wal#follow(long, Durability)} does
     */
    public TypedCursor<T> follow(long fromLsn, Durability level) throws IOException {
        return new TypedCursor<>(wal.follow(fromLsn, level), codec);
    }

    private List<ByteBuffer> encoded(List<? extends T> values) throws IOException {
        var records = new ArrayList<ByteBuffer>(values.size());
        for (T value : values) {
            records.add(codec.encode(value));
        }
        return records;
    }

    /**
     * Closes the log.
     *
     * @throws IOException as {@link Wal#close()} does
     */
    @Override
    public void close() throws IOException {
        wal.close();
    }
}
