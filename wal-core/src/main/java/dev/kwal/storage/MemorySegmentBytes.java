package dev.kwal.storage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The bytes of one segment of a {@link MemoryStore}, in chunks of one size.
 *
 * <p>Always: {@code takenBytes} is what this segment has of the store's space, at least its size until it is released.
 * <p>Thread-safe.
 */
final class MemorySegmentBytes {
    private static final int CHUNK_BYTES = 16 * 1024;

    private final MemoryStore.Space space;
    private final ReentrantLock lock = new ReentrantLock();
    private final List<byte[]> chunks = new ArrayList<>();
    private long size;
    private long takenBytes;
    private boolean released;

    MemorySegmentBytes(MemoryStore.Space space) {
        this.space = space;
    }

    long size() {
        lock.lock();
        try {
            return size;
        } finally {
            lock.unlock();
        }
    }

    /** Takes space for a segment of so many bytes, or none if there is not enough. Returns what it has. */
    long prepare(long bytes) throws IOException {
        lock.lock();
        try {
            if (bytes > takenBytes && !released) {
                space.take(bytes - takenBytes);
                takenBytes = bytes;
            }
            return takenBytes;
        } finally {
            lock.unlock();
        }
    }

    void append(ByteBuffer source) throws IOException {
        lock.lock();
        try {
            prepare(size + source.remaining());
            while (source.hasRemaining()) {
                var offset = (int) (size % CHUNK_BYTES);
                if (offset == 0) {
                    chunks.add(new byte[CHUNK_BYTES]);
                }
                var length = Math.min(source.remaining(), CHUNK_BYTES - offset);
                source.get(chunks.get(chunks.size() - 1), offset, length);
                size += length;
            }
        } finally {
            lock.unlock();
        }
    }

    int read(long position, ByteBuffer target) {
        lock.lock();
        try {
            var start = target.position();
            var from = position;
            while (from < size && target.hasRemaining()) {
                var offset = (int) (from % CHUNK_BYTES);
                var length = (int) Math.min(Math.min(target.remaining(), CHUNK_BYTES - offset), size - from);
                target.put(chunks.get((int) (from / CHUNK_BYTES)), offset, length);
                from += length;
            }
            return target.position() - start;
        } finally {
            lock.unlock();
        }
    }

    /** Forgets everything from a position on; its space stays with the segment. */
    void cut(long position) {
        lock.lock();
        try {
            size = position;
            var count = (int) ((position + CHUNK_BYTES - 1) / CHUNK_BYTES);
            chunks.subList(count, chunks.size()).clear();
        } finally {
            lock.unlock();
        }
    }

    /** Gives back the space that was prepared and not used. */
    void trim() {
        lock.lock();
        try {
            space.giveBack(Math.max(0, takenBytes - size));
            takenBytes = Math.min(takenBytes, size);
        } finally {
            lock.unlock();
        }
    }

    /** Gives back all space. Whoever has the segment open goes on with it for as long as he likes. */
    void release() {
        lock.lock();
        try {
            space.giveBack(takenBytes);
            takenBytes = 0;
            released = true;
        } finally {
            lock.unlock();
        }
    }
}
