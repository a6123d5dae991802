package dev.kwal;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** One record with its LSN. Immutable: owns its bytes. */
public final class WalRecord {
    private final long lsn;
    private final byte[] bytes;

    WalRecord(long lsn, byte[] bytes) {
        this.lsn = lsn;
        this.bytes = bytes;
    }

    /** The LSN, from 1. */
    public long lsn() {
        return lsn;
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

    /** Whether the other is a record with the same LSN and the same bytes. */
    @Override
    public boolean equals(Object other) {
        return other instanceof WalRecord that && lsn == that.lsn && Arrays.equals(bytes, that.bytes);
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
