package dev.kwal;

import java.io.IOException;

/** A record and the value it stands for. Immutable. */
public final class TypedRecord<T> {
    private final WalRecord record;
    private final RecordCodec<T> codec;

    private TypedRecord(WalRecord record, RecordCodec<T> codec) {
        this.record = record;
        this.codec = codec;
    }

    /** A record as a codec sees it. Decodes nothing yet. */
    public static <T> TypedRecord<T> of(WalRecord record, RecordCodec<T> codec) {
        return new TypedRecord<>(record, codec);
    }

    /** The LSN, from 1. */
    public long lsn() {
        return record.lsn();
    }

    /**
     * The value, decoded by each call.
     *
     * @throws WalDecodingException if the codec cannot decode it
     */
    public T value() throws WalDecodingException {
        try {
            return codec.decode(record.toByteBuffer());
        } catch (IOException | RuntimeException e) {
            throw new WalDecodingException(lsn(), record.length(), e);
        }
    }

    /** The record as it is in the log. */
    public WalRecord record() {
        return record;
    }

    /** LSN and length; never contents. */
    @Override
    public String toString() {
        return record.toString();
    }
}
