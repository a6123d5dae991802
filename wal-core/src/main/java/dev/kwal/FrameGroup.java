package dev.kwal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * One record, or the records of one batch, that are appended together. Keeps positions and limits of its own, so that a
 * caller who moves those of its buffers meanwhile changes nothing.
 */
final class FrameGroup {
    private final List<ByteBuffer> records;
    private final long frameBytes;
    private final Precondition condition;

    private FrameGroup(List<ByteBuffer> records, long frameBytes, Precondition condition) {
        this.records = records;
        this.frameBytes = frameBytes;
        this.condition = condition;
    }

    /**
     * A group of one.
     *
     * @throws IllegalArgumentException if it is longer than the limit
     */
    static FrameGroup of(ByteBuffer record, WalOptions options) {
        checkLength(record.remaining(), options);
        return new FrameGroup(List.of(record.duplicate()), Format.frameBytes(record.remaining()), Precondition.NONE);
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
        return new FrameGroup(records, bytes, Precondition.NONE);
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
        return new FrameGroup(records, frameBytes, itsCondition);
    }

    Precondition condition() {
        return condition;
    }

    int count() {
        return records.size();
    }

    long frameBytes() {
        return frameBytes;
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
