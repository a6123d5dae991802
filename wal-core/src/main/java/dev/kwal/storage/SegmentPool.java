package dev.kwal.storage;

import dev.kwal.storage.disk.Disk;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Files of deleted segments, kept for their space.
 *
 * <p>Always: the pool holds at most its limit, and only files that this store itself made since it was locked, whose
 * new names are durable. A segment that could still come back after a loss of power is thus never written over, and neither
 * is one that has another name somewhere, such as in a backup.
 *
 * <p>Thread-safe.
 */
final class SegmentPool {
    private final Disk disk;
    private final Path directory;
    private final int limit;
    private final ReentrantLock lock = new ReentrantLock();
    private final Set<Long> ownSequences = new HashSet<>();
    private final ArrayDeque<Path> files = new ArrayDeque<>();

    SegmentPool(Disk disk, Path directory, int limit) {
        this.disk = disk;
        this.directory = directory;
        this.limit = limit;
    }

    /** Notes that a segment was made here and may come back as a file of the pool. */
    void made(long sequence) {
        if (limit > 0) {
            lock.lock();
            try {
                ownSequences.add(sequence);
            } finally {
                lock.unlock();
            }
        }
    }

    /** Turns a segment into a file of the pool, durably, or deletes it; false if the pool does not want it. */
    boolean takeIn(long sequence, Path segment) throws IOException {
        lock.lock();
        try {
            if (!ownSequences.remove(sequence) || files.size() >= limit) {
                return false;
            }
            var file = directory.resolve(FileNames.pooled(sequence));
            if (disk.kind(file) != Disk.Kind.ABSENT) {
                return false;
            }
            disk.rename(segment, file);
            try {
                // Under its new name nobody gives it another.
                if (disk.linkCount(file) == 1) {
                    files.add(file);
                } else {
                    disk.delete(file);
                }
                disk.syncDirectory(directory);
            } catch (IOException e) {
                files.remove(file);
                deleteAfter(e, file);
                throw e;
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Hands out the oldest file, which is the caller's to rename or delete. */
    @Nullable
    Path handOut() {
        lock.lock();
        try {
            return files.poll();
        } finally {
            lock.unlock();
        }
    }

    /** Deletes all files and forgets what was made here. */
    void clear() throws IOException {
        lock.lock();
        try {
            ownSequences.clear();
            while (!files.isEmpty()) {
                disk.delete(files.poll());
            }
        } finally {
            lock.unlock();
        }
    }

    private void deleteAfter(IOException failure, Path file) {
        try {
            disk.delete(file);
        } catch (NoSuchFileException gone) {
            return;
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }
}
