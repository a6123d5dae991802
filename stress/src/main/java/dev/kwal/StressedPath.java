package dev.kwal;

import dev.kwal.storage.SegmentWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;

/** The write path with its real buffers, over a segment in an array. Each race gets a fresh one. */
final class StressedPath {
    private static final WalOptions OPTIONS =
            WalOptions.DEFAULT.withBufferBytes(4096).withSegmentBytes(1 << 20);
    private static final SegmentHeader HEADER = new SegmentHeader(1, 2, 1, 3);

    private final Segment segment = new Segment();
    private final Progress progress = new Progress(Runnable::run, new Observers(), 0, 0, 0);
    private final AtomicLong clock = new AtomicLong();
    private final Timestamps timestamps = new Timestamps(() -> Instant.ofEpochMilli(clock.incrementAndGet()), 0);
    private final WritePath path = new WritePath(OPTIONS, progress, begin());

    private ActiveSegment begin() {
        try {
            var open = new OpenFrame(0, 0, 0, 1, 1, 0, 0, OpenFrame.Reason.NEW);
            return new ActiveSegment(HEADER, open, segment, new SparseIndex(), Format.HEADER_BYTES);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Appends; 0 if the log has failed. */
    long append(long number) {
        return path.tryPut(ByteBuffer.allocate(Long.BYTES).putLong(0, number), 0, Long.BYTES);
    }

    /** Appends with a timestamp; 0 if the log has failed. */
    long appendDated() {
        var group = FrameGroup.of(ByteBuffer.allocate(Long.BYTES), OPTIONS).datedBy(timestamps);
        try {
            return path.tryPut(group, null).lsn();
        } catch (IOException e) {
            return 0;
        }
    }

    /** Whether no timestamp is less than that of a record before it. */
    boolean isDatedInOrder() {
        commit(Durability.WRITTEN);
        return segment.hasTimestampsInOrder();
    }

    /** Brings everything there is to a level; 0 if the log has failed. */
    long commit(Durability level) {
        try {
            return path.commit(progress.lastLsn(), level);
        } catch (IOException e) {
            return 0;
        }
    }

    /** Reads the weaker promise last, so that it can only have grown. */
    boolean isInOrder() {
        long durable = progress.durableLsn();
        long written = progress.writtenLsn();
        return durable <= written && written <= progress.lastLsn();
    }

    /** Whether what is durable is flushed. */
    boolean isFlushed() {
        return segment.flushedFrames(progress.durableLsn());
    }

    void fail() {
        progress.fail(new IOException("broken"));
    }

    /** The numbers that the segment holds, in order, as decimal digits; -1 if a frame is damaged. */
    long contents() {
        commit(Durability.WRITTEN);
        return segment.numbers();
    }

    /** Remembers what was written and how much of it was flushed. */
    private static final class Segment implements SegmentWriter {
        private static final int FRAME_BYTES = (int) Format.frameBytes(Long.BYTES);

        private final ByteBuffer bytes = Format.buffer(4096);
        private volatile int written;
        private volatile int flushed;

        @Override
        public long prepare(long endPosition) {
            return Long.MAX_VALUE;
        }

        @Override
        public void append(ByteBuffer frames) {
            int count = frames.remaining();
            bytes.put(written, frames, frames.position(), count);
            written += count;
        }

        @Override
        public void sync() {
            flushed = written;
        }

        @Override
        public void close() {}

        boolean flushedFrames(long count) {
            return flushed >= count * FRAME_BYTES;
        }

        boolean hasTimestampsInOrder() {
            long last = 0;
            for (int at = 0; at < written; at += (int) Format.align(Format.length(bytes, at))) {
                long millis = Format.extensionNumber(bytes, at, Format.TIMESTAMP);
                if (millis < last) {
                    return false;
                }
                last = millis;
            }
            return true;
        }

        long numbers() {
            long numbers = 0;
            for (int at = 0; at < written; at += FRAME_BYTES) {
                if (!Format.hasValidCrc(bytes, at, Format.salt(HEADER), Format.HEADER_BYTES + at, new CRC32C())) {
                    return -1;
                }
                numbers = numbers * 10 + Long.reverseBytes(bytes.getLong(at + Format.FRAME_HEADER_BYTES));
            }
            return numbers;
        }
    }
}
