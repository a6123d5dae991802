package dev.kwal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One record, or the records of one batch, that are appended together. Keeps positions and limits of its own, so that a
 * caller who moves those of its buffers meanwhile changes nothing. One thread.
 */
final class FrameGroup {
    private static final int[] UNTAGGED = {};

    private final List<ByteBuffer> records;
    private final long payloadFrameBytes;
    private final Precondition condition;
    private final int[] tags;
    private final @Nullable Timestamps timestamps;
    private long timestampMillis;

    private FrameGroup(
            List<ByteBuffer> records,
            long payloadFrameBytes,
            Precondition condition,
            int[] tags,
            @Nullable Timestamps timestamps) {
        this.records = records;
        this.payloadFrameBytes = payloadFrameBytes;
        this.condition = condition;
        this.tags = tags;
        this.timestamps = timestamps;
    }

    private FrameGroup(List<ByteBuffer> records, long payloadFrameBytes) {
        this(records, payloadFrameBytes, Precondition.NONE, UNTAGGED, null);
    }

    /**
     * A group of one.
     *
     * @throws IllegalArgumentException if it is longer than the limit
     */
    static FrameGroup of(ByteBuffer record, WalOptions options) {
        checkLength(record.remaining(), options);
        return new FrameGroup(List.of(record.duplicate()), Format.frameBytes(record.remaining()));
    }

    /**
     * A group of a batch.
     *
     * @throws IllegalArgumentException if a record is longer than the limit, or the batch larger than its own
     */
    static FrameGroup of(List<ByteBuffer> batch, WalOptions options) {
        var records = new ArrayList<ByteBuffer>(batch.size());
        long bytes = 0;
        for (var record : batch) {
            checkLength(record.remaining(), options);
            records.add(record.duplicate());
            bytes += Format.frameBytes(record.remaining());
        }
        if (records.size() > 1 && bytes > options.maxBatchBytes()) {
            throw new IllegalArgumentException(
                    "the batch takes " + bytes + " bytes, more than maxBatchBytes " + options.maxBatchBytes());
        }
        return new FrameGroup(records, bytes);
    }

    /**
     * Checks a record against the limit.
     *
     * @throws IllegalArgumentException if it is longer
     */
    static void checkLength(int length, WalOptions options) {
        if (length > options.maxRecordBytes()) {
            throw new IllegalArgumentException(
                    "the record has " + length + " bytes, more than maxRecordBytes " + options.maxRecordBytes());
        }
    }

    /** The same group, to be appended only where a condition holds. */
    FrameGroup when(Precondition itsCondition) {
        return new FrameGroup(records, payloadFrameBytes, itsCondition, tags, timestamps);
    }

    /** The same group with a tag for each record; with none where there are none. */
    FrameGroup tagged(int[] itsTags) {
        return new FrameGroup(records, payloadFrameBytes, condition, itsTags, timestamps);
    }

    /** The same group, to be dated when it gets its LSNs. */
    FrameGroup datedBy(Timestamps itsTimestamps) {
        return new FrameGroup(records, payloadFrameBytes, condition, tags, itsTimestamps);
    }

    /**
     * Whether its condition allows that its first record gets this LSN. Then it has its timestamp, which is right if the LSN
     * is taken before somebody else takes it.
     */
    boolean takes(long lsn) {
        if (!condition.allows(lsn)) {
            return false;
        }
        if (timestamps != null) {
            timestampMillis = timestamps.next();
        }
        return true;
    }

    Precondition condition() {
        return condition;
    }

    int count() {
        return records.size();
    }

    long frameBytes() {
        return payloadFrameBytes + (long) extensionBytes() * count();
    }

    /** How long the extension of each record is. */
    int extensionBytes() {
        return (tags.length == 0 ? 0 : Format.EXTENSION_WORD_BYTES)
                + (timestamps == null ? 0 : Format.EXTENSION_WORD_BYTES);
    }

    void putExtension(ByteBuffer bytes, int at, int number) {
        int word = at;
        if (tags.length > 0) {
            bytes.putLong(word, Format.extensionWord(Format.TAG, tags[number]));
            word += Format.EXTENSION_WORD_BYTES;
        }
        if (timestamps != null) {
            bytes.putLong(word, Format.extensionWord(Format.TIMESTAMP, timestampMillis));
        }
    }

    ByteBuffer record(int number) {
        return records.get(number);
    }

    /** Where in its batch a record stands. */
    byte flags(int number) {
        int last = records.size() - 1;
        if (last == 0) {
            return Format.SINGLE;
        }
        return number == 0 ? Format.BATCH_BEGIN : number == last ? Format.BATCH_END : Format.BATCH_MIDDLE;
    }
}
