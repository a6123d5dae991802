package dev.kwal;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;

/** A {@link WalCursor} over values. One thread at a time. */
public final class TypedCursor<T> implements Closeable {
    private final WalCursor cursor;
    private final RecordCodec<T> codec;

    TypedCursor(WalCursor cursor, RecordCodec<T> codec) {
        this.cursor = cursor;
        this.codec = codec;
    }

    /**
     * Moves to the next record; after one that cannot be decoded, too.
     *
     * @return whether there is a current record
     * @throws IOException as {@link WalCursor#next()} does
     */
    public boolean next() throws IOException {
        return cursor.next();
    }

    /**
     * Like {@link #next()}, and waits at most so long.
     *
     * @return whether there is a current record
     * @throws IOException as {@link WalCursor#next(Duration)} does
     */
    public boolean next(Duration timeout) throws IOException {
        return cursor.next(timeout);
    }

    /**
     * The LSN of the current record.
     *
     * @throws IllegalStateException if there is no current record
     */
    public long lsn() {
        return cursor.lsn();
    }

    /**
     * The value of the current record, decoded by each call from the cursor's own buffer.
     *
     * @throws WalDecodingException if the codec cannot decode it; the cursor can be moved on
     * @throws IllegalStateException if there is no current record
     */
    public T value() throws WalDecodingException {
        var view = cursor.view();
        int length = view.remaining();
        try {
            return codec.decode(view);
        } catch (IOException | RuntimeException e) {
            throw new WalDecodingException(cursor.lsn(), length, e);
        }
    }

    /** Gives its handles back. Idempotent. */
    @Override
    public void close() {
        cursor.close();
    }
}
