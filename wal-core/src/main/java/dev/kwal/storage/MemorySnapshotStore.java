package dev.kwal.storage;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Keeps snapshots in memory, each in one array: for tests, and beside a {@link MemoryStore}. The object stands for the
 * medium and survives the log.
 *
 * <p>Thread-safe.
 */
public final class MemorySnapshotStore implements SnapshotStore {
    private final ConcurrentSkipListMap<Long, byte[]> snapshots = new ConcurrentSkipListMap<>();

    /** A store without a snapshot. */
    public MemorySnapshotStore() {}

    @Override
    public long[] snapshots() {
        return snapshots.keySet().stream().mapToLong(Long::longValue).toArray();
    }

    @Override
    public void create(long sequence, Content content) throws IOException {
        if (sequence <= 0) {
            throw new IllegalArgumentException("sequence is not positive: " + sequence);
        }
        if (snapshots.containsKey(sequence)) {
            throw new FileAlreadyExistsException(name(sequence));
        }
        var bytes = new ByteArrayOutputStream();
        content.writeTo(bytes);
        if (snapshots.putIfAbsent(sequence, bytes.toByteArray()) != null) {
            throw new FileAlreadyExistsException(name(sequence));
        }
    }

    @Override
    public InputStream open(long sequence) throws IOException {
        var bytes = snapshots.get(sequence);
        if (bytes == null) {
            throw new NoSuchFileException(name(sequence));
        }
        return new ByteArrayInputStream(bytes);
    }

    @Override
    public void delete(long sequence) throws IOException {
        if (snapshots.remove(sequence) == null) {
            throw new NoSuchFileException(name(sequence));
        }
    }

    /** That it is in memory. */
    @Override
    public String toString() {
        return "MemorySnapshotStore";
    }

    private static String name(long sequence) {
        return "snapshot " + sequence + " in memory";
    }
}
