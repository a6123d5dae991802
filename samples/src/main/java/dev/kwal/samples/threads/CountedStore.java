package dev.kwal.samples.threads;

import dev.kwal.storage.SegmentReader;
import dev.kwal.storage.SegmentWriter;
import dev.kwal.storage.SnapshotStore;
import dev.kwal.storage.StoreCapabilities;
import dev.kwal.storage.WalStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.LongAdder;

/** Passes everything on to another store, and counts the flushes. Thread-safe, as every store. */
final class CountedStore implements WalStore {
    private final WalStore store;
    private final LongAdder flushes = new LongAdder();

    CountedStore(WalStore store) {
        this.store = store;
    }

    /** How many flushes there were until now. */
    long flushes() {
        return flushes.sum();
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
        return new Writer(store.create(sequence, header, expectedBytes));
    }

    @Override
    public SegmentWriter resume(long sequence, long position, long expectedBytes) throws IOException {
        return new Writer(store.resume(sequence, position, expectedBytes));
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

    private final class Writer implements SegmentWriter {
        private final SegmentWriter writer;

        private Writer(SegmentWriter writer) {
            this.writer = writer;
        }

        @Override
        public void append(ByteBuffer bytes) throws IOException {
            writer.append(bytes);
        }

        @Override
        public long prepare(long endPosition) throws IOException {
            return writer.prepare(endPosition);
        }

        @Override
        public void sync() throws IOException {
            flushes.increment();
            writer.sync();
        }

        @Override
        public void close() throws IOException {
            writer.close();
        }
    }
}
