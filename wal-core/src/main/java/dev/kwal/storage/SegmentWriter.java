package dev.kwal.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Appends to one segment. After an exception from {@link #append} or {@link #sync} it is good for {@link #close} alone.
 *
 * <p>One thread at a time appends. {@link #sync} may run beside an append: it covers the appends that had returned when
 * it was called.
 */
public interface SegmentWriter extends Closeable {

    /**
     * Appends all remaining bytes behind the last. On return they are visible to readers and survive the process, where
     * the store's capabilities say so. Never partly done without an exception.
     *
     * @param bytes position to limit; its position is at its limit afterwards
     * @throws IOException if they could not be written whole
     */
    void append(ByteBuffer bytes) throws IOException;

    /**
     * Prepares space, so that appends before a position cannot meet a full medium. Not beside {@link #append} or
     * {@link #sync}. A failure harms nothing: the writer is as it was, and it can be tried again.
     *
     * @param endPosition up to where; 0 only asks
     * @return up to where space is prepared; {@link Long#MAX_VALUE}, the default, from a store that prepares none
     * @throws IOException if space cannot be prepared, for lack of it above all
     */
    default long prepare(long endPosition) throws IOException {
        return Long.MAX_VALUE;
    }

    /**
     * Makes everything that was appended before the call survive a loss of power.
     *
     * @throws IOException if the medium says that it could not; whatever was not synced before is then in doubt for good
     */
    void sync() throws IOException;

    /**
     * Ends the writing and gives space back that was prepared but not used. Syncs nothing. Idempotent.
     *
     * @throws IOException if the medium complains; the appended bytes are not affected
     */
    @Override
    void close() throws IOException;
}
