package dev.kwal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * Walks over records in LSN order, or against it. Starts before the first; {@link #next()} moves on.
 *
 * <p>Owns its file handles and its buffer, so it disturbs neither the log nor other cursors, and needs memory for one
 * read block and the longest record it meets; for 17 blocks of 128 KiB while another thread reads ahead, see
 * {@link WalOptions#readAhead()}. One thread at a time.
 */
public interface WalCursor extends Closeable {

    /**
     * Moves to the next record. A replay cursor says false at its end. A follow cursor waits for the next record and says
     * false when the log was closed; if the log failed, it first delivers what is durable.
     *
     * <p>An interrupt ends the wait of a follow cursor with an {@link java.io.InterruptedIOException} and leaves the flag
     * set; the cursor stays where it was and can be used again.
     *
     * @return whether there is a current record
     * @throws WalGoneException if the record was dropped by a checkpoint or a truncation while the cursor was on its way
     * @throws WalCorruptedException if the record is damaged
     * @throws WalFailedException from a follow cursor, when the log failed and everything durable was delivered
     * @throws IOException if reading fails
     */
    boolean next() throws IOException;

    /**
     * Like {@link #next()}, and waits at most so long. Zero asks only for what is there. False says that there is no next
     * record yet, or none at all.
     *
     * @param timeout the longest wait, not negative
     * @return whether there is a current record
     * @throws IOException as {@link #next()} does
     */
    boolean next(Duration timeout) throws IOException;

    /**
     * The LSN of the current record.
     *
     * @throws IllegalStateException if there is no current record
     */
    long lsn();

    /**
     * How many bytes the current record has.
     *
     * @throws IllegalStateException if there is no current record
     */
    int length();

    /**
     * The tag of the current record, from 1; {@link WalRecord#NO_TAG} if it has none.
     *
     * @throws IllegalStateException if there is no current record
     */
    int tag();

    /**
     * When the current record was appended, as {@link WalOptions#clock()} said, in milliseconds since 1970; {@link
     * WalRecord#NO_TIME} if it has no timestamp. Never less than that of an earlier record.
     *
     * @throws IllegalStateException if there is no current record
     */
    long timestampMillis();

    /**
     * The bytes of the current record in the cursor's own buffer: a read-only view, valid until the cursor moves or closes.
     *
     * @throws IllegalStateException if there is no current record
     */
    ByteBuffer view();

    /**
     * A copy of the current record, for keeps.
     *
     * @throws IllegalStateException if there is no current record
     */
    WalRecord record();

    /** Gives its handles back. Idempotent. */
    @Override
    void close();
}
