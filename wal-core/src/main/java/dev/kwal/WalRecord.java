package dev.kwal;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** One record with its LSN. Immutable: owns its bytes. */
public final class WalRecord {
    /** The tag of a record that was given none. */
    public static final int NO_TAG = 0;

    /** The timestamp of a record that was appended without a clock. */
    public static final long NO_TIME = -1;

    private final long lsn;
    private final int tag;
    private final long timestampMillis;
    private final byte[] bytes;

    WalRecord(long lsn, int tag, long timestampMillis, byte[] bytes) {
        this.lsn = lsn;
        this.tag = tag;
        this.timestampMillis = timestampMillis;
        this.bytes = bytes;
    }

    /** The LSN, from 1. */
    public long lsn() {
        return lsn;
    }

    /** The tag, from 1; {@link #NO_TAG} if it has none. */
    public int tag() {
        return tag;
    }

    /** When it was appended, in milliseconds since 1970; {@link #NO_TIME} if it has no timestamp. */
    public long timestampMillis() {
        return timestampMillis;
    }

    /** How many bytes the record has. */
    public int length() {
        return bytes.length;
    }

    /** A copy of the bytes. */
    public byte[] toByteArray() {
        return bytes.clone();
    }

    /** A read-only view of the bytes, from 0 to {@link #length()}; independent of other views. */
    public ByteBuffer toByteBuffer() {
        return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
    }

    /** Whether the other is a record with the same LSN, tag, timestamp and bytes. */
    @Override
    public boolean equals(Object other) {
        return other instanceof WalRecord that
                && lsn == that.lsn
                && tag == that.tag
                && timestampMillis == that.timestampMillis
                && Arrays.equals(bytes, that.bytes);
    }

    /** Of LSN and bytes, so that it takes time in proportion to {@link #length()}. */
    @Override
    public int hashCode() {
        return Long.hashCode(lsn) * 31 + Arrays.hashCode(bytes);
    }

    /** LSN and length; never contents. */
    @Override
    public String toString() {
        return "record " + lsn + " of " + bytes.length + " bytes";
    }
}
