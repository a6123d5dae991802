package dev.kwal.soak;

import dev.kwal.storage.SegmentReader;
import dev.kwal.storage.SegmentWriter;
import dev.kwal.storage.SnapshotStore;
import dev.kwal.storage.StoreCapabilities;
import dev.kwal.storage.WalStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;

/** A store whose flushes fail from some point on. */
final class SickStore implements WalStore {
    private final WalStore store;
    private final AtomicLong flushesLeft;

    SickStore(WalStore store, long flushes) {
        this.store = store;
        this.flushesLeft = new AtomicLong(flushes);
    }

    @Override
    public StoreCapabilities capabilities() {
        return store.capabilities();
    }

    @Override
    public Closeable lock() throws IOException {
        return store.lock();
    }

    @Override
    public long[] segments() throws IOException {
        return store.segments();
    }

    @Override
    public SegmentWriter create(long sequence, ByteBuffer header, long expectedBytes) throws IOException {
        return new SickWriter(store.create(sequence, header, expectedBytes));
    }

    @Override
    public SegmentWriter resume(long sequence, long position, long expectedBytes) throws IOException {
        return new SickWriter(store.resume(sequence, position, expectedBytes));
    }

    @Override
    public SnapshotStore pins() {
        return store.pins();
    }

    @Override
    public SegmentReader open(long sequence) throws IOException {
        return store.open(sequence);
    }

    @Override
    public void delete(long sequence) throws IOException {
        store.delete(sequence);
    }

    private final class SickWriter implements SegmentWriter {
        private final SegmentWriter writer;

        SickWriter(SegmentWriter writer) {
            this.writer = writer;
        }

        @Override
        public long prepare(long endPosition) throws IOException {
            return writer.prepare(endPosition);
        }

        @Override
        public void append(ByteBuffer bytes) throws IOException {
            writer.append(bytes);
        }

        @Override
        public void sync() throws IOException {
            if (flushesLeft.getAndDecrement() <= 0) {
                throw new IOException("the medium failed");
            }
            writer.sync();
        }

        @Override
        public void close() throws IOException {
            writer.close();
        }
    }
}
