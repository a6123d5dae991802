package dev.kwal.cli;

import dev.kwal.storage.SegmentReader;
import dev.kwal.storage.SegmentWriter;
import dev.kwal.storage.SnapshotStore;
import dev.kwal.storage.StoreCapabilities;
import dev.kwal.storage.WalStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongConsumer;

/** A store for reading that tells how many bytes were read. */
final class MeteredStore implements WalStore {
    private final WalStore store;
    private final LongConsumer meter;

    /**
     * Wraps a store.
     *
     * @param meter gets the number of bytes of each read, on the thread that reads
     */
    MeteredStore(WalStore store, LongConsumer meter) {
        this.store = store;
        this.meter = meter;
    }

    @Override
    public StoreCapabilities capabilities() {
        return store.capabilities();
    }

    @Override
    public long[] segments() throws IOException {
        return store.segments();
    }

    @Override
    public SnapshotStore pins() {
        return store.pins();
    }

    @Override
    public SegmentReader open(long sequence) throws IOException {
        return new Reader(store.open(sequence));
    }

    @Override
    public Closeable lock() {
        throw readOnly();
    }

    @Override
    public SegmentWriter create(long sequence, ByteBuffer header, long expectedBytes) {
        throw readOnly();
    }

    @Override
    public SegmentWriter resume(long sequence, long position, long expectedBytes) {
        throw readOnly();
    }

    @Override
    public void delete(long sequence) {
        throw readOnly();
    }

    private static UnsupportedOperationException readOnly() {
        return new UnsupportedOperationException("this store is for reading");
    }

    @Override
    public String toString() {
        return store.toString();
    }

    private final class Reader implements SegmentReader {
        private final SegmentReader reader;

        Reader(SegmentReader reader) {
            this.reader = reader;
        }

        @Override
        public long size() throws IOException {
            return reader.size();
        }

        @Override
        public int read(long position, ByteBuffer target) throws IOException {
            int read = reader.read(position, target);
            meter.accept(read);
            return read;
        }

        @Override
        public void close() throws IOException {
            reader.close();
        }
    }
}
