package dev.kwal;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Turns values into records and back. Implementations are thread-safe, and decode whatever they have ever encoded: a log
 * outlives the program that wrote it.
 *
 * <p>What a codec throws reaches the caller, and often ends in a log file: its messages should repeat nothing of the value.
 */
public interface RecordCodec<T> {

    /**
     * The record for a value.
     *
     * @return the record from position to limit; read before the call that appends it returns, and not kept
     * @throws IOException if the value cannot be encoded; nothing is appended
     */
    ByteBuffer encode(T value) throws IOException;

    /**
     * The value of a record.
     *
     * @param record from position to limit, read-only; valid during the call
     * @throws IOException if it cannot be decoded; a {@link RuntimeException} means the same
     */
    T decode(ByteBuffer record) throws IOException;
}
