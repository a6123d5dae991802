package dev.kwal.storage;

import dev.kwal.storage.disk.Disk;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** How a directory and the names in it come about so that a loss of power takes none of them back. */
final class DurableDirectory {
    private DurableDirectory() {}

    /**
     * Makes a directory and the ones above it, each durable before the next. A killed process can thus leave only the
     * name of the last one it made in doubt, which is why that of an existing one is flushed, too.
     */
    static void make(Disk disk, Path path, boolean ownerOnly) throws IOException {
        var parent = path.getParent();
        if (disk.isDirectory(path)) {
            if (parent != null) {
                syncParent(disk, parent);
            }
            return;
        }
        if (parent != null) {
            make(disk, parent, ownerOnly);
        }
        try {
            disk.createDirectory(path, ownerOnly);
        } catch (FileAlreadyExistsException e) {
            if (!disk.isDirectory(path)) {
                throw new NotDirectoryException(path.toString());
            }
        }
        if (parent != null) {
            disk.syncDirectory(parent);
        }
    }

    /** A parent that we may not even look into was made by somebody who answers for its names. */
    private static void syncParent(Disk disk, Path parent) throws IOException {
        try {
            disk.syncDirectory(parent);
        } catch (AccessDeniedException e) {
            return;
        }
    }

    /** Deletes a file after a failure, which is told what goes wrong with that. What is no file was not made here. */
    static void deleteAfter(Throwable failure, Disk disk, Path file) {
        try {
            if (disk.kind(file) == Disk.Kind.FILE) {
                disk.delete(file);
            }
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    static void closeAfter(Throwable failure, Closeable resource) {
        try {
            resource.close();
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }
}
