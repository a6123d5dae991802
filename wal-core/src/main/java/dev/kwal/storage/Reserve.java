package dev.kwal.storage;

import dev.kwal.storage.disk.Disk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Space on the disk that is set aside for the segment that frees space. It outlives the process, so that a log can be
 * opened and checkpointed on a full disk.
 *
 * <p>Thread-safe.
 */
final class Reserve {
    private final Disk disk;
    private final Path file;
    private final long bytes;
    private final boolean ownerOnly;
    private final ReentrantLock lock = new ReentrantLock();
    private boolean present;

    Reserve(Disk disk, Path file, long bytes, boolean ownerOnly) {
        this.disk = disk;
        this.file = file;
        this.bytes = bytes;
        this.ownerOnly = ownerOnly;
    }

    /** Looks for the reserve of an earlier run. One of another size is deleted, and made anew with the next segment. */
    void find() throws IOException {
        lock.lock();
        try {
            present = false;
            if (disk.kind(file) != Disk.Kind.FILE) {
                return;
            }
            try (var found = disk.openForReading(file)) {
                present = bytes > 0 && found.size() == bytes;
            }
            if (!present) {
                disk.delete(file);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Sets the space aside if it is not. Where that fails there is none: the next segment tries again. */
    void fill() {
        lock.lock();
        try {
            if (bytes == 0 || present) {
                return;
            }
            try (var made = disk.create(file, ownerOnly)) {
                made.writeZeros(0, bytes);
                made.sync(true);
                present = true;
            } catch (IOException notNow) {
                present = false;
            }
            if (!present) {
                giveUp();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Gives the space back to the disk; false if there was none to give. */
    boolean release() {
        lock.lock();
        try {
            if (!present) {
                return false;
            }
            present = false;
            return giveUp();
        } finally {
            lock.unlock();
        }
    }

    /** What has the name and is no file was not made here. */
    private boolean giveUp() {
        try {
            if (disk.kind(file) != Disk.Kind.FILE) {
                return false;
            }
            disk.delete(file);
            return true;
        } catch (IOException stays) {
            return false;
        }
    }
}
