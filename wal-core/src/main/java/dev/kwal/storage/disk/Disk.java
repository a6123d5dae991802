package dev.kwal.storage.disk;

import dev.kwal.storage.StoreLockedException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * What {@link dev.kwal.storage.FileStore} asks of an operating system: the seam below which a simulated disk can stand.
 *
 * <p>Always: one call is one operation of the system, nothing is retried, combined or cached here, no failure is
 * hidden, and an interrupted thread neither fails nor loses its flag. Thread-safe.
 */
public interface Disk {

    /** What a name stands for. Symbolic links are not followed, so that they are {@link #OTHER}. */
    enum Kind {
        ABSENT,
        FILE,
        OTHER
    }

    /** Creates a file for reading and writing; {@link java.nio.file.FileAlreadyExistsException} if the name is taken. */
    DiskFile create(Path file, boolean ownerOnly) throws IOException;

    /** Opens an existing file for reading and writing; symbolic links are refused. */
    DiskFile openForWriting(Path file) throws IOException;

    /** Opens an existing file for reading alone; symbolic links are refused. */
    DiskFile openForReading(Path file) throws IOException;

    /** Renames a closed file or directory within its directory. The caller has made sure that the new name is free. */
    void rename(Path from, Path to) throws IOException;

    /**
     * Gives a file a second name in another directory, a hard link. False where that cannot be, for the two are on different
     * file systems, or where it could not be told by {@link #linkCount}.
     *
     * @throws java.nio.file.NoSuchFileException if the file is not there
     * @throws java.nio.file.FileAlreadyExistsException if the name is taken
     */
    boolean link(Path file, Path name) throws IOException;

    /** How many names a file has; 1 where that cannot be told. Symbolic links are not followed. */
    int linkCount(Path file) throws IOException;

    /** Deletes a closed file or an empty directory; {@link java.nio.file.NoSuchFileException} if it is not there. */
    void delete(Path file) throws IOException;

    Kind kind(Path file) throws IOException;

    /** The names in a directory, in no order. */
    List<String> list(Path directory) throws IOException;

    /** True if this is a directory, or a symbolic link to one. */
    boolean isDirectory(Path path);

    /** Creates one directory; {@link java.nio.file.FileAlreadyExistsException} if the name is taken. */
    void createDirectory(Path directory, boolean ownerOnly) throws IOException;

    /** Makes the names in a directory survive a loss of power, as far as the platform can. */
    void syncDirectory(Path directory) throws IOException;

    /**
     * Takes the lock of a directory: on its file {@code LOCK}, which is created where missing.
     *
     * @throws StoreLockedException if it is taken, in this process or another
     */
    Closeable lock(Path directory, boolean ownerOnly) throws IOException;
}
