package dev.kwal.storage;

import dev.kwal.storage.disk.Disk;
import dev.kwal.storage.disk.OtherDisk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Keeps snapshots as files of a directory of their own.
 *
 * <p>Snapshot 7 is the file {@code 00000000000000000007.snapshot}; while it is written its name has {@code .tmp} behind. All
 * other files are left alone. The directory may be one below that of the log. It has to be on a local file system, as with
 * {@link FileStore}, and is guarded by the lock of the log: it has no lock of its own.
 *
 * <p>Always: a file gets the name of a snapshot only after all of it was flushed, and the directory is flushed before
 * {@link #create} or {@link #delete} return. Reads, writes and flushes are done on the caller's thread, through 64 KiB of
 * memory, and are not disturbed by interrupts. Symbolic links in the place of a snapshot are refused.
 *
 * <p>Immutable; nothing on disk is touched before the first {@link #create}.
 */
public final class FileSnapshotStore implements SnapshotStore {
    static {
        OtherDisk.movesSnapshotsBy((store, disk) -> new FileSnapshotStore(store.directory, disk, store.ownerOnly));
    }

    private final Path directory;
    private final Disk disk;
    private final boolean ownerOnly;

    FileSnapshotStore(Path directory, Disk disk, boolean ownerOnly) {
        this.directory = directory;
        this.disk = disk;
        this.ownerOnly = ownerOnly;
    }

    /**
     * A store in this directory, which is created with the first snapshot, as its files for its owner alone.
     *
     * @param directory where the snapshots are; relative paths are resolved now
     */
    public static FileSnapshotStore of(Path directory) {
        return new FileSnapshotStore(directory.toAbsolutePath(), NioDisk.INSTANCE, true);
    }

    /**
     * Whether new files and directories are for their owner alone (modes 0600 and 0700), which is the default. Otherwise
     * the process's mask decides. Where there are no such modes this has no effect, and what exists is not changed.
     *
     * @param ownerOnly true to keep others out
     * @return such a store
     */
    public FileSnapshotStore withOwnerOnly(boolean ownerOnly) {
        return new FileSnapshotStore(directory, disk, ownerOnly);
    }

    /** {@inheritDoc} Names of other shapes are ignored. */
    @Override
    public long[] snapshots() throws IOException {
        if (!disk.isDirectory(directory)) {
            return new long[0];
        }
        var names = disk.list(directory);
        var sequences = new long[names.size()];
        var count = 0;
        for (var name : names) {
            var sequence = FileNames.sequenceOfSnapshot(name);
            if (sequence > 0) {
                sequences[count++] = sequence;
            }
        }
        Arrays.sort(sequences, 0, count);
        return Arrays.copyOf(sequences, count);
    }

    /**
     * Clears away what an earlier run left half written; writes the file under another name; flushes it; gives it its own
     * name; flushes the directory.
     */
    @Override
    public void create(long sequence, Content content) throws IOException {
        var snapshot = path(sequence);
        DurableDirectory.make(disk, directory, ownerOnly);
        deleteLeftovers();
        if (disk.kind(snapshot) != Disk.Kind.ABSENT) {
            throw new FileAlreadyExistsException(snapshot.toString());
        }
        var unfinished = directory.resolve(FileNames.temporarySnapshot(sequence));
        try {
            write(unfinished, content);
            disk.rename(unfinished, snapshot);
            disk.syncDirectory(directory);
        } catch (Throwable e) {
            DurableDirectory.deleteAfter(e, disk, unfinished);
            DurableDirectory.deleteAfter(e, disk, snapshot);
            throw e;
        }
    }

    @Override
    public InputStream open(long sequence) throws IOException {
        return new FileInput(disk.openForReading(existing(sequence)));
    }

    @Override
    public void delete(long sequence) throws IOException {
        disk.delete(existing(sequence));
        disk.syncDirectory(directory);
    }

    /** The directory. */
    @Override
    public String toString() {
        return "FileSnapshotStore(" + directory + ")";
    }

    private void write(Path unfinished, Content content) throws IOException {
        try (var file = disk.create(unfinished, ownerOnly)) {
            var output = new FileOutput(file);
            content.writeTo(output);
            output.end();
            file.sync(true);
        }
    }

    private void deleteLeftovers() throws IOException {
        for (var name : disk.list(directory)) {
            var path = directory.resolve(name);
            if (FileNames.isUnfinishedSnapshot(name) && disk.kind(path) == Disk.Kind.FILE) {
                disk.delete(path);
            }
        }
    }

    private Path path(long sequence) {
        if (sequence <= 0) {
            throw new IllegalArgumentException("sequence is not positive: " + sequence);
        }
        return directory.resolve(FileNames.snapshot(sequence));
    }

    private Path existing(long sequence) throws IOException {
        var snapshot = path(sequence);
        return switch (disk.kind(snapshot)) {
            case FILE -> snapshot;
            case ABSENT -> throw new NoSuchFileException(snapshot.toString());
            case OTHER ->
                throw new FileSystemException(snapshot.toString(), null, "a snapshot has to be a regular file");
        };
    }
}
