package dev.kwal.storage;

import dev.kwal.storage.disk.Disk;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;

/**
 * The directory of a log that is there whole and durably, or not at all: it is filled under another name, {@code ….partial},
 * and gets its own when it is complete. For backups, restored and salvaged logs.
 *
 * <p>Always: nothing that was there before is touched. One thread at a time.
 */
public final class NewDirectory implements Closeable {
    private final Disk disk;
    private final Path target;
    private final FileStore partial;
    private boolean isComplete;

    private NewDirectory(Disk disk, Path target, FileStore partial) {
        this.disk = disk;
        this.target = target;
        this.partial = partial;
    }

    /**
     * Begins it. Nothing is made yet: that is done by who takes the lock of {@link #store()}.
     *
     * @param target a store in the directory to be made, whose settings it gets
     * @throws FileAlreadyExistsException if it is there, or was begun by a run that was killed, whose {@code ….partial} is to
     *     be deleted first
     * @throws IOException if it cannot be looked for
     */
    public static NewDirectory of(FileStore target) throws IOException {
        var disk = target.disk();
        var directory = target.directory().normalize();
        if (directory.getFileName() == null || disk.kind(directory) != Disk.Kind.ABSENT) {
            throw new FileAlreadyExistsException(directory + ", expected a directory to be made");
        }
        var partial = directory.resolveSibling(directory.getFileName() + ".partial");
        if (disk.kind(partial) != Disk.Kind.ABSENT) {
            throw new FileAlreadyExistsException(partial + ", left by a run that was ended; delete it");
        }
        return new NewDirectory(disk, directory, target.at(partial));
    }

    /** The store to be filled. Its lock, and logs in it, are to be closed before the directory is complete. */
    public FileStore store() {
        return partial;
    }

    /**
     * Takes a segment of another log by a second name of its file, a hard link. It costs no space, and the bytes are shared:
     * the segment has to be one that is never appended to again, and damage to the file is damage to both. A
     * {@link FileStore} does not recycle a file that has a second name.
     *
     * @param source where the segment is
     * @param sequence the segment; there is none of that sequence here
     * @return false if that is not possible here: the other store is none of files, or on another file system, or there are no
     *     such links
     * @throws java.nio.file.NoSuchFileException if there is no such segment, or the store was not locked yet
     * @throws IOException if it fails
     */
    public boolean link(WalStore source, long sequence) throws IOException {
        return source instanceof FileStore files
                && files.disk() == disk
                && disk.link(files.existing(sequence), partial.directory().resolve(FileNames.segment(sequence)));
    }

    /**
     * Writes a small file beside the segments, durably.
     *
     * @param name a plain name, none that the store gives
     * @throws IOException if it is there, or cannot be written
     */
    public void write(String name, byte[] bytes) throws IOException {
        try (var file = disk.create(partial.directory().resolve(name), partial.isOwnerOnly())) {
            file.writeAll(ByteBuffer.wrap(bytes), 0);
            file.sync(true);
        }
    }

    /**
     * Gives it its name, durably. What was written to it has to be flushed by then.
     *
     * @throws FileAlreadyExistsException if the name was taken meanwhile
     * @throws IOException if it fails; if it is the last flush that does, the directory is there whole, and may be gone after a
     *     loss of power
     */
    public void complete() throws IOException {
        disk.syncDirectory(partial.directory());
        if (disk.kind(target) != Disk.Kind.ABSENT) {
            throw new FileAlreadyExistsException(target.toString());
        }
        disk.rename(partial.directory(), target);
        isComplete = true;
        var parent = target.getParent();
        if (parent != null) {
            disk.syncDirectory(parent);
        }
    }

    /** Deletes what is not complete. */
    @Override
    public void close() throws IOException {
        var directory = partial.directory();
        if (isComplete || disk.kind(directory) == Disk.Kind.ABSENT) {
            return;
        }
        for (var name : disk.list(directory)) {
            disk.delete(directory.resolve(name));
        }
        disk.delete(directory);
    }
}
