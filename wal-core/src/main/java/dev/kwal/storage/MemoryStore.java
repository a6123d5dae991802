package dev.kwal.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Keeps the segments in memory. The object stands for the medium: it survives the log that wrote it, and another log can
 * be opened on it once the first has given up the lock.
 *
 * <p>Always: readers see exactly the appended bytes, synced or not. Space is counted by what was appended or, where that
 * is more, by what was expected; it is allocated in chunks as it is needed.
 *
 * <p>Thread-safe.
 */
public final class MemoryStore implements WalStore {
    private static final StoreCapabilities HONEST = new StoreCapabilities(false, false, true);

    private final StoreCapabilities capabilities;
    private final Space space;
    private final AtomicBoolean locked = new AtomicBoolean();
    private final ReentrantLock lock = new ReentrantLock();
    private final SnapshotStore pins = new MemorySnapshotStore();
    private final TreeMap<Long, MemorySegmentBytes> segments = new TreeMap<>();

    /** A store without a limit that promises what is true: nothing outlives the process. */
    public MemoryStore() {
        this(HONEST);
    }

    /**
     * A store without a limit that takes the place of another one, in tests above all.
     *
     * @param capabilities what it says that it can promise
     */
    public MemoryStore(StoreCapabilities capabilities) {
        this(capabilities, Long.MAX_VALUE);
    }

    /**
     * A store that can be full.
     *
     * @param capabilities what it says that it can promise
     * @param limitBytes how much fits in, over all segments
     */
    public MemoryStore(StoreCapabilities capabilities, long limitBytes) {
        if (limitBytes < 0) {
            throw new IllegalArgumentException("limitBytes is negative: " + limitBytes);
        }
        this.capabilities = capabilities;
        this.space = new Space(limitBytes);
    }

    @Override
    public StoreCapabilities capabilities() {
        return capabilities;
    }

    @Override
    public Closeable lock() throws IOException {
        if (!locked.compareAndSet(false, true)) {
            throw new StoreLockedException("memory store: locked by this process");
        }
        var held = new AtomicBoolean(true);
        return () -> {
            if (held.compareAndSet(true, false)) {
                locked.set(false);
            }
        };
    }

    @Override
    public long[] segments() {
        lock.lock();
        try {
            return segments.keySet().stream().mapToLong(Long::longValue).toArray();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public SegmentWriter create(long sequence, ByteBuffer header, long expectedBytes) throws IOException {
        if (sequence <= 0 || expectedBytes < 0) {
            throw new IllegalArgumentException("sequence " + sequence + ", expectedBytes " + expectedBytes);
        }
        lock.lock();
        try {
            if (segments.containsKey(sequence)) {
                throw new FileAlreadyExistsException(name(sequence));
            }
            var bytes = new MemorySegmentBytes(space);
            bytes.prepare(Math.max(expectedBytes, header.remaining()));
            bytes.append(header.duplicate());
            segments.put(sequence, bytes);
            return new Writer(bytes);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public SegmentWriter resume(long sequence, long position, long expectedBytes) throws IOException {
        if (!capabilities.resumable()) {
            throw new UnsupportedOperationException("the store was told not to resume");
        }
        var bytes = existing(sequence);
        if (position < 0 || position > bytes.size() || expectedBytes < 0) {
            throw new IllegalArgumentException("segment " + sequence + " has " + bytes.size()
                    + " bytes, cannot go on at " + position + " up to " + expectedBytes);
        }
        bytes.prepare(expectedBytes);
        bytes.cut(position);
        return new Writer(bytes);
    }

    @Override
    public SnapshotStore pins() {
        return pins;
    }

    @Override
    public SegmentReader open(long sequence) throws IOException {
        return new Reader(existing(sequence));
    }

    @Override
    public void delete(long sequence) throws IOException {
        lock.lock();
        try {
            existing(sequence).release();
            segments.remove(sequence);
        } finally {
            lock.unlock();
        }
    }

    private MemorySegmentBytes existing(long sequence) throws IOException {
        if (sequence <= 0) {
            throw new IllegalArgumentException("sequence is not positive: " + sequence);
        }
        lock.lock();
        try {
            var bytes = segments.get(sequence);
            if (bytes == null) {
                throw new NoSuchFileException(name(sequence));
            }
            return bytes;
        } finally {
            lock.unlock();
        }
    }

    private static String name(long sequence) {
        return "segment " + sequence + " in memory";
    }

    /** The space of the store. */
    static final class Space {
        private final long limitBytes;
        private final AtomicLong takenBytes = new AtomicLong();

        private Space(long limitBytes) {
            this.limitBytes = limitBytes;
        }

        void take(long bytes) throws IOException {
            var taken = takenBytes.addAndGet(bytes);
            if (taken > limitBytes || taken < 0) {
                takenBytes.addAndGet(-bytes);
                throw new IOException("no space left in memory store of " + limitBytes + " bytes");
            }
        }

        void giveBack(long bytes) {
            takenBytes.addAndGet(-bytes);
        }
    }

    private static final class Writer implements SegmentWriter {
        private final MemorySegmentBytes bytes;
        private volatile boolean closed;

        private Writer(MemorySegmentBytes bytes) {
            this.bytes = bytes;
        }

        @Override
        public void append(ByteBuffer source) throws IOException {
            requireOpen(closed);
            bytes.append(source);
        }

        @Override
        public long prepare(long endPosition) throws IOException {
            requireOpen(closed);
            return bytes.prepare(endPosition);
        }

        @Override
        public void sync() throws IOException {
            requireOpen(closed);
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                bytes.trim();
            }
        }
    }

    private static final class Reader implements SegmentReader {
        private final MemorySegmentBytes bytes;
        private volatile boolean closed;

        private Reader(MemorySegmentBytes bytes) {
            this.bytes = bytes;
        }

        @Override
        public long size() throws IOException {
            requireOpen(closed);
            return bytes.size();
        }

        @Override
        public int read(long position, ByteBuffer target) throws IOException {
            requireOpen(closed);
            if (position < 0) {
                throw new IllegalArgumentException("position is negative: " + position);
            }
            return bytes.read(position, target);
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    /** For messages. */
    @Override
    public String toString() {
        return "memory store";
    }

    private static void requireOpen(boolean closed) throws IOException {
        if (closed) {
            throw new ClosedChannelException();
        }
    }
}
