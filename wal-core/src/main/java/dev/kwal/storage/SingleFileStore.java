package dev.kwal.storage;

import dev.kwal.storage.disk.Disk;
import dev.kwal.storage.disk.OtherDisk;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * One file, under any name, that is segment 1 and the only one: where a {@link dev.kwal.RecordFile} is kept. For reading and
 * salvaging it may be given to all that takes a store.
 *
 * <p>Always: the file gets its name only after its first bytes were flushed, and the directory is flushed before
 * {@link #create} returns; until then its name has {@code .tmp} behind. There is no second file. Reads, writes and flushes are
 * done on the caller's thread and are not disturbed by interrupts. A symbolic link in its place is refused. The directory has
 * to be on a local file system, as with {@link FileStore}.
 *
 * <p>Immutable; nothing on disk is touched before {@link #create}.
 */
public final class SingleFileStore implements WalStore {
    private static final long SEQUENCE = 1;
    private static final int BLOCK_BYTES = 64 << 10;

    static {
        OtherDisk.movesSingleFilesBy((store, disk) -> new SingleFileStore(store.file, disk, store.ownerOnly));
    }

    private final Path file;
    private final Disk disk;
    private final boolean ownerOnly;

    private SingleFileStore(Path file, Disk disk, boolean ownerOnly) {
        this.file = file;
        this.disk = disk;
        this.ownerOnly = ownerOnly;
    }

    /**
     * A store in this file, which is created for its owner alone, as missing directories above it are.
     *
     * @param file the file; relative paths are resolved now
     */
    public static SingleFileStore of(Path file) {
        return new SingleFileStore(file.toAbsolutePath(), NioDisk.INSTANCE, true);
    }

    /**
     * Whether a new file and new directories are for their owner alone (modes 0600 and 0700), which is the default. Otherwise
     * the process's mask decides. Where there are no such modes this has no effect, and what exists is not changed.
     *
     * @param ownerOnly true to keep others out
     * @return such a store
     */
    public SingleFileStore withOwnerOnly(boolean ownerOnly) {
        return new SingleFileStore(file, disk, ownerOnly);
    }

    /** {@link StoreCapabilities#DURABLE}. */
    @Override
    public StoreCapabilities capabilities() {
        return StoreCapabilities.DURABLE;
    }

    /**
     * Not supported: a log that can go over to another segment does not fit in one file.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public Closeable lock() {
        throw new UnsupportedOperationException(file + ": one file holds no log for an owner, open it as a RecordFile");
    }

    /** Segment 1. */
    @Override
    public long[] segments() throws IOException {
        existing(SEQUENCE);
        return new long[] {SEQUENCE};
    }

    @Override
    public SegmentWriter create(long sequence, ByteBuffer header, long expectedBytes) throws IOException {
        checkSequence(sequence);
        if (disk.kind(file) != Disk.Kind.ABSENT) {
            throw new FileAlreadyExistsException(file.toString());
        }
        var directory = file.getParent();
        if (directory == null) {
            throw new FileAlreadyExistsException(file.toString());
        }
        DurableDirectory.make(disk, directory, ownerOnly);
        var unfinished = file.resolveSibling(file.getFileName() + ".tmp");
        if (disk.kind(unfinished) == Disk.Kind.FILE) {
            disk.delete(unfinished);
        }
        try {
            try (var made = disk.create(unfinished, ownerOnly)) {
                made.writeAll(header.duplicate(), 0);
                made.sync(true);
            }
            disk.rename(unfinished, file);
            disk.syncDirectory(directory);
            return resume(sequence, header.remaining(), expectedBytes);
        } catch (Throwable e) {
            DurableDirectory.deleteAfter(e, disk, unfinished);
            DurableDirectory.deleteAfter(e, disk, file);
            throw e;
        }
    }

    /**
     * Makes what is there durable up to an end, and gives up what is behind: writes the bytes from a position on again,
     * unchanged, since a flush that failed before may have left them in the page cache alone, cuts the file off, and flushes.
     * Interrupted by a crash, it may be done again.
     *
     * @param from up to where the file is known to be durable
     * @param end at least {@code from}, at most the size
     * @throws IOException if it fails; nothing before the end was changed
     */
    public void settle(long from, long end) throws IOException {
        try (var open = disk.openForWriting(existing(SEQUENCE))) {
            var block = ByteBuffer.allocate(BLOCK_BYTES);
            for (long at = from; at < end; at += block.limit()) {
                block.clear().limit((int) Math.min(block.capacity(), end - at));
                if (open.readAll(block, at) < block.limit()) {
                    throw new EOFException(file + " has become shorter, byte " + at + " is gone");
                }
                open.writeAll(block.flip(), at);
            }
            if (open.size() > end) {
                open.truncate(end);
            }
            open.sync(true);
        }
    }

    /** {@inheritDoc} What is behind the position stays until it is written over. */
    @Override
    public SegmentWriter resume(long sequence, long position, long expectedBytes) throws IOException {
        var open = disk.openForWriting(existing(sequence));
        try {
            if (position < 0 || position > open.size()) {
                throw new IllegalArgumentException(
                        file + " has " + open.size() + " bytes, cannot go on at " + position);
            }
            open.sync(true);
            return new FileSegmentWriter(open, position, false, Long.MAX_VALUE);
        } catch (Throwable e) {
            DurableDirectory.closeAfter(e, open);
            throw e;
        }
    }

    @Override
    public SegmentReader open(long sequence) throws IOException {
        return new FileSegmentReader(disk.openForReading(existing(sequence)));
    }

    /**
     * Not supported.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public void delete(long sequence) {
        throw new UnsupportedOperationException(file + ": the only segment is not deleted");
    }

    /** The file. */
    @Override
    public String toString() {
        return "SingleFileStore(" + file + ")";
    }

    private Path existing(long sequence) throws IOException {
        checkSequence(sequence);
        return switch (disk.kind(file)) {
            case FILE -> file;
            case ABSENT -> throw new NoSuchFileException(file.toString());
            case OTHER ->
                throw new FileSystemException(file.toString(), null, "a record file has to be a regular file");
        };
    }

    private static void checkSequence(long sequence) {
        if (sequence != SEQUENCE) {
            throw new IllegalArgumentException("sequence is " + sequence + ", a single file holds segment 1 alone");
        }
    }
}
