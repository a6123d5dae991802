package dev.kwal;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Some LSNs of a segment and where their frames begin, ascending. Bounded: when it is full, every second entry goes and the
 * distance doubles.
 *
 * <p>One thread writes; a reader takes a {@link #copy()} under the writer's lock.
 */
final class SparseIndex {
    static final int MAX_COUNT = 1024;
    static final int FIRST_DISTANCE = 4096;

    private long[] lsns = new long[16];
    private long[] positions = new long[16];
    private int count;
    private long distance = FIRST_DISTANCE;

    /** Notes a record, if it is far enough from the last that was noted. */
    void add(long lsn, long position) {
        if (count > 0 && position - positions[count - 1] < distance) {
            return;
        }
        if (count == MAX_COUNT) {
            thin();
        } else if (count == lsns.length) {
            lsns = Arrays.copyOf(lsns, count * 2);
            positions = Arrays.copyOf(positions, count * 2);
        }
        lsns[count] = lsn;
        positions[count++] = position;
    }

    private void thin() {
        for (int kept = 0; kept < count / 2; kept++) {
            lsns[kept] = lsns[2 * kept];
            positions[kept] = positions[2 * kept];
        }
        count /= 2;
        distance *= 2;
    }

    int count() {
        return count;
    }

    /** Where to begin reading in order to find a record: at or before its frame; {@code otherwise} if nothing is noted there. */
    long floor(long lsn, long otherwise) {
        int at = Arrays.binarySearch(lsns, 0, count, lsn);
        int entry = at >= 0 ? at : -at - 2;
        return entry < 0 ? otherwise : positions[entry];
    }

    /** Whether the entries ascend and lead to places where frames can begin, before a position. */
    boolean isPlausible(long endPosition) {
        for (int entry = 0; entry < count; entry++) {
            long lowest = entry == 0 ? Format.HEADER_BYTES : positions[entry - 1] + Format.FRAME_HEADER_BYTES;
            if (positions[entry] < lowest
                    || positions[entry] >= endPosition
                    || positions[entry] % Format.ALIGNMENT != 0
                    || (entry > 0 && lsns[entry] <= lsns[entry - 1])) {
                return false;
            }
        }
        return true;
    }

    SparseIndex copy() {
        var copy = new SparseIndex();
        copy.lsns = Arrays.copyOf(lsns, Math.max(count, 1));
        copy.positions = Arrays.copyOf(positions, Math.max(count, 1));
        copy.count = count;
        copy.distance = distance;
        return copy;
    }

    /** How many bytes {@link #put} writes. */
    int bytes() {
        return count * 16;
    }

    void put(ByteBuffer buffer, int at) {
        for (int entry = 0; entry < count; entry++) {
            buffer.putLong(at + entry * 16, lsns[entry]);
            buffer.putLong(at + entry * 16 + 8, positions[entry]);
        }
    }

    static SparseIndex get(ByteBuffer buffer, int at, int count) {
        var index = new SparseIndex();
        index.lsns = new long[Math.max(count, 1)];
        index.positions = new long[Math.max(count, 1)];
        index.count = count;
        for (int entry = 0; entry < count; entry++) {
            index.lsns[entry] = buffer.getLong(at + entry * 16);
            index.positions[entry] = buffer.getLong(at + entry * 16 + 8);
        }
        return index;
    }
}
