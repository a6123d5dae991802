package dev.kwal;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** What a cursor needs to know of the log it reads. Thread-safe. */
interface LogView {
    SegmentChain chain();

    long firstLsn();

    /** The first live LSN by now, looked up where others may have changed it. */
    long currentFirstLsn() throws IOException;

    /** Counts truncations, along with the chain. */
    default long truncations() {
        return chain().truncations();
    }

    /** The lowest LSN that truncations have given up since there were so many; {@link Long#MAX_VALUE} for none. */
    long lowestCutSince(long truncations);

    /** The last record that may be read at a level. */
    long readableLsn(Durability level);

    /** The index of a segment that is being written; null if it is not. */
    @Nullable
    SparseIndex indexOf(long sequence);

    /**
     * Waits for something to change, at most so long, unless a record can be read. May return early.
     *
     * @throws InterruptedException if the thread was interrupted
     */
    void await(long lsn, Durability level, long nanos) throws IOException, InterruptedException;

    /** Whether nothing more becomes readable, because the log failed or was closed. */
    boolean hasEnded();

    /** Throws if the log failed. */
    void checkNotFailed() throws WalFailedException;
}
