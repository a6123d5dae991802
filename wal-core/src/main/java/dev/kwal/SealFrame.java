package dev.kwal;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The last frame of a complete segment.
 *
 * <pre>
 * payload   0         8        16                        16 + 16 * entries
 *           | base LSN| count  | (LSN, position) ...     | position of this frame |
 * </pre>
 *
 * <p>The position stands last, so that the frame can be found from the end that the successor names.
 */
record SealFrame(long baseLsn, long count, SparseIndex index) {
    private static final int FIXED_BYTES = 24;

    int bytes() {
        return FIXED_BYTES + index.bytes();
    }

    static int maxBytes() {
        return (int) bytes(SparseIndex.MAX_COUNT);
    }

    /** How many bytes the payload takes with so many index entries. */
    static long bytes(long entries) {
        return FIXED_BYTES + entries * 16;
    }

    void put(ByteBuffer buffer, int at, long position) {
        buffer.putLong(at, baseLsn);
        buffer.putLong(at + 8, count);
        index.put(buffer, at + 16);
        buffer.putLong(at + 16 + index.bytes(), position);
    }

    /** Reads the payload of a seal; null if no log can have written it. */
    static @Nullable SealFrame get(ByteBuffer payload) {
        var seal = withoutIndex(payload);
        if (seal == null) {
            return null;
        }
        int entries = (payload.remaining() - FIXED_BYTES) / 16;
        var index = SparseIndex.get(payload, payload.position() + 16, entries);
        return index.isPlausible(payload.getLong(payload.limit() - 8))
                ? new SealFrame(seal.baseLsn, seal.count, index)
                : null;
    }

    /** The same with an empty index, whatever its entries are: takes no time for them. */
    static @Nullable SealFrame withoutIndex(ByteBuffer payload) {
        int at = payload.position();
        return payload.remaining() >= FIXED_BYTES && (payload.remaining() - FIXED_BYTES) % 16 == 0
                ? new SealFrame(payload.getLong(at), payload.getLong(at + 8), new SparseIndex())
                : null;
    }

    /** The LSN behind its last record. */
    long nextLsn() {
        return baseLsn + count;
    }
}
