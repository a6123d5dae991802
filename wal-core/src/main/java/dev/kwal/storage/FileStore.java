package dev.kwal.storage;

import dev.kwal.storage.disk.Disk;
import dev.kwal.storage.disk.DiskFile;
import dev.kwal.storage.disk.OtherDisk;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Keeps the segments as files of one directory.
 *
 * <p>Segment 7 is the file {@code 00000000000000000007.wal}. Beside the segments the store makes a file {@code LOCK},
 * a file {@code RESERVE}, with the first pin a directory {@code pins}, and for a short while {@code *.wal.tmp} and {@code pool-*.free}. All other files are left
 * alone. The directory has to be on a local file system of this machine: the locks and flushes of network file systems
 * promise less.
 *
 * <p>Always: a file gets the name of a segment only after its header was flushed, and the directory is flushed before
 * {@link #create} returns. Every read, write and flush is done on the caller's thread and is not disturbed by interrupts.
 *
 * <p>What a flush means is the platform's affair. On Linux it is {@code fdatasync}, on macOS {@code F_FULLFSYNC}. On
 * Windows files are flushed and directories cannot be: there the name of a new segment rests on the journal of NTFS.
 *
 * <p>The store itself is immutable in what it is told by {@code with…}; each of these returns another store, and the
 * lock keeps two of them apart. Nothing on disk is touched before {@link #lock}.
 */
public final class FileStore implements WalStore {
    /** Enough behind the last byte for what a log writes in order to free space. */
    static final long SLACK_BYTES = 64 * 1024;

    private static final Settings DEFAULTS = new Settings(true, 0, 256 * 1024, true);

    static {
        OtherDisk.movesBy((store, disk) -> new FileStore(store.directory, disk, store.settings));
    }

    private final Path directory;
    private final Disk disk;
    private final Settings settings;
    private final SegmentPool pool;
    private final Reserve reserve;

    private FileStore(Path directory, Disk disk, Settings settings) {
        this.directory = directory;
        this.disk = disk;
        this.settings = settings;
        this.pool = new SegmentPool(disk, directory, settings.recycledSegments);
        var reserveFile = directory.resolve(FileNames.RESERVE);
        this.reserve = new Reserve(disk, reserveFile, settings.reserveBytes, settings.ownerOnly);
    }

    /**
     * A store in this directory, which is created when the store is locked.
     *
     * @param directory where the segments are; relative paths are resolved now
     * @return a store with preallocation, a reserve of 256 KiB, owner-only files and no recycling
     */
    public static FileStore of(Path directory) {
        return new FileStore(directory.toAbsolutePath(), NioDisk.INSTANCE, DEFAULTS);
    }

    /**
     * Whether space is written ahead with zeros, which is the default. Then appends neither change the size of a file
     * nor meet a full disk: the creation of the segment met it. Without, segments take space as they grow; choose that
     * on file systems that copy on write, where preparing gains nothing.
     *
     * @param preallocates true to write space ahead
     * @return such a store
     */
    public FileStore withPreallocation(boolean preallocates) {
        return with(new Settings(preallocates, settings.recycledSegments, settings.reserveBytes, settings.ownerOnly));
    }

    /**
     * How many files of deleted segments are kept for the next ones, 0 by default. Only files that this store made since
     * it was locked are kept, and they are deleted when the lock is given up.
     *
     * @param segments the most that are kept
     * @return such a store
     */
    public FileStore withRecycling(int segments) {
        requireNotNegative("segments", segments);
        return with(new Settings(settings.preallocates, segments, settings.reserveBytes, settings.ownerOnly));
    }

    /**
     * How much space is set aside for the segment that a log needs in order to free space on a full disk, 256 KiB by
     * default. Less than 128 KiB may not be enough for it, and 0 means none. It is made with the first segment and stays
     * when the log is closed.
     *
     * @param bytes the size of the file {@code RESERVE}
     * @return such a store
     */
    public FileStore withReserveBytes(long bytes) {
        requireNotNegative("bytes", bytes);
        return with(new Settings(settings.preallocates, settings.recycledSegments, bytes, settings.ownerOnly));
    }

    /**
     * Whether new files and directories are for their owner alone (modes 0600 and 0700), which is the default. Otherwise
     * the process's mask decides. Where there are no such modes this has no effect, and what exists is not changed.
     *
     * @param ownerOnly true to keep others out
     * @return such a store
     */
    public FileStore withOwnerOnly(boolean ownerOnly) {
        return with(new Settings(settings.preallocates, settings.recycledSegments, settings.reserveBytes, ownerOnly));
    }

    /** {@link StoreCapabilities#DURABLE}. */
    @Override
    public StoreCapabilities capabilities() {
        return StoreCapabilities.DURABLE;
    }

    /**
     * Takes the directory, creating it with its parents where missing, and clears away what an earlier run left half
     * made. The names of all segments present are durable on return, whoever made them.
     *
     * <p>The lock is one of the operating system on the file {@code LOCK}, and dies with the process. On POSIX systems
     * it is lost when anybody in this process opens and closes that file.
     */
    @Override
    public Closeable lock() throws IOException {
        DurableDirectory.make(disk, directory, settings.ownerOnly);
        var lock = disk.lock(directory, settings.ownerOnly);
        try {
            deleteLeftovers();
            reserve.find();
            disk.syncDirectory(directory);
        } catch (Throwable e) {
            DurableDirectory.closeAfter(e, lock);
            throw e;
        }
        var held = new AtomicBoolean(true);
        return () -> {
            if (held.compareAndSet(true, false)) {
                try (lock) {
                    pool.clear();
                }
            }
        };
    }

    /** {@inheritDoc} Names of other shapes are ignored. */
    @Override
    public long[] segments() throws IOException {
        var names = disk.list(directory);
        var sequences = new long[names.size()];
        var count = 0;
        for (var name : names) {
            var sequence = FileNames.sequenceOf(name);
            if (sequence > 0) {
                if (disk.kind(directory.resolve(name)) == Disk.Kind.OTHER) {
                    throw notAFile(directory.resolve(name));
                }
                sequences[count++] = sequence;
            }
        }
        Arrays.sort(sequences, 0, count);
        return Arrays.copyOf(sequences, count);
    }

    @Override
    public SegmentWriter create(long sequence, ByteBuffer header, long expectedBytes) throws IOException {
        var segment = path(sequence);
        requireNotNegative("expectedBytes", expectedBytes);
        if (disk.kind(segment) != Disk.Kind.ABSENT) {
            throw new FileAlreadyExistsException(segment.toString());
        }
        SegmentWriter writer;
        try {
            writer = make(sequence, header, expectedBytes);
        } catch (IOException e) {
            if (expectedBytes > 0 || !reserve.release()) {
                throw e;
            }
            writer = make(sequence, header, expectedBytes);
        }
        if (expectedBytes > 0) {
            reserve.fill();
        }
        return writer;
    }

    @Override
    public SegmentWriter resume(long sequence, long position, long expectedBytes) throws IOException {
        requireNotNegative("position", position);
        requireNotNegative("expectedBytes", expectedBytes);
        var file = disk.openForWriting(existing(sequence));
        try {
            if (position > file.size()) {
                throw new IllegalArgumentException(
                        "segment " + sequence + " has " + file.size() + " bytes, cannot go on at " + position);
            }
            try {
                prepare(file, position, expectedBytes);
            } catch (IOException e) {
                if (expectedBytes > 0 || !reserve.release()) {
                    throw e;
                }
                prepare(file, position, expectedBytes);
            }
            return new FileSegmentWriter(file, position, true, resumedEnd(position, expectedBytes));
        } catch (Throwable e) {
            DurableDirectory.closeAfter(e, file);
            throw e;
        }
    }

    /** In the directory {@code pins} below, with files of the same modes. */
    @Override
    public SnapshotStore pins() {
        return new FileSnapshotStore(directory.resolve(FileNames.PINS), disk, settings.ownerOnly);
    }

    @Override
    public SegmentReader open(long sequence) throws IOException {
        return new FileSegmentReader(disk.openForReading(existing(sequence)));
    }

    @Override
    public void delete(long sequence) throws IOException {
        var segment = existing(sequence);
        if (!pool.takeIn(sequence, segment)) {
            disk.delete(segment);
            disk.syncDirectory(directory);
        }
    }

    Path directory() {
        return directory;
    }

    Disk disk() {
        return disk;
    }

    boolean isOwnerOnly() {
        return settings.ownerOnly;
    }

    /** A store of the same settings in another directory of the same disk. */
    FileStore at(Path other) {
        return new FileStore(other, disk, settings);
    }

    /** The directory. */
    @Override
    public String toString() {
        return "FileStore(" + directory + ")";
    }

    private FileStore with(Settings changed) {
        return new FileStore(directory, disk, changed);
    }

    private void deleteLeftovers() throws IOException {
        for (var name : disk.list(directory)) {
            var path = directory.resolve(name);
            if (FileNames.isLeftover(name) && disk.kind(path) == Disk.Kind.FILE) {
                disk.delete(path);
            }
        }
    }

    /** Builds the file under another name and gives it its own when it is complete. */
    private SegmentWriter make(long sequence, ByteBuffer header, long expectedBytes) throws IOException {
        var segment = path(sequence);
        var recycled = pool.handOut();
        var unfinished = recycled != null ? recycled : directory.resolve(FileNames.temporary(sequence));
        try {
            try (var file = recycled != null ? disk.openForWriting(recycled) : createAnew(unfinished)) {
                fill(file, header.duplicate(), expectedBytes);
            }
            disk.rename(unfinished, segment);
            var file = disk.openForWriting(segment);
            try {
                disk.syncDirectory(directory);
            } catch (Throwable e) {
                DurableDirectory.closeAfter(e, file);
                throw e;
            }
            pool.made(sequence);
            var prepared = createdEnd(header.remaining(), expectedBytes);
            return new FileSegmentWriter(file, header.remaining(), false, prepared);
        } catch (Throwable e) {
            DurableDirectory.deleteAfter(e, disk, unfinished);
            DurableDirectory.deleteAfter(e, disk, segment);
            throw e;
        }
    }

    /** A failed attempt may have been unable to clean up behind itself. */
    private DiskFile createAnew(Path file) throws IOException {
        if (disk.kind(file) == Disk.Kind.FILE) {
            disk.delete(file);
        }
        return disk.create(file, settings.ownerOnly);
    }

    /** What a file of the pool has too much is given back, unless it may be all the space that there is. */
    private void fill(DiskFile file, ByteBuffer header, long expectedBytes) throws IOException {
        var headerBytes = header.remaining();
        var size = file.size();
        if (expectedBytes > 0 && size > Math.max(headerBytes, expectedBytes)) {
            file.truncate(Math.max(headerBytes, expectedBytes));
        }
        file.writeAll(header, 0);
        if (settings.preallocates) {
            file.writeZeros(Math.max(headerBytes, size), createdEnd(headerBytes, expectedBytes));
        }
        file.sync(true);
    }

    /** Up to where a new segment is prepared. */
    private long createdEnd(int headerBytes, long expectedBytes) {
        return prepared(expectedBytes > 0 ? Math.max(headerBytes, expectedBytes) : headerBytes + SLACK_BYTES);
    }

    /** Up to where a segment is prepared that is gone on with. */
    private long resumedEnd(long position, long expectedBytes) {
        return prepared(Math.max(position + SLACK_BYTES, expectedBytes));
    }

    private long prepared(long end) {
        return settings.preallocates ? end : Long.MAX_VALUE;
    }

    /** Writes zeros over what is behind the position, too: its blocks may exist by name only. */
    private void prepare(DiskFile file, long position, long expectedBytes) throws IOException {
        if (!settings.preallocates) {
            return;
        }
        var size = file.size();
        try {
            file.writeZeros(position, resumedEnd(position, expectedBytes));
            file.sync(true);
        } catch (Throwable e) {
            try {
                if (file.size() > size) {
                    file.truncate(size);
                }
            } catch (IOException alsoFailed) {
                e.addSuppressed(alsoFailed);
            }
            throw e;
        }
    }

    private Path path(long sequence) {
        if (sequence <= 0) {
            throw new IllegalArgumentException("sequence is not positive: " + sequence);
        }
        return directory.resolve(FileNames.segment(sequence));
    }

    /** The file of a segment that exists. */
    Path existing(long sequence) throws IOException {
        var segment = path(sequence);
        return switch (disk.kind(segment)) {
            case FILE -> segment;
            case ABSENT -> throw new NoSuchFileException(segment.toString());
            case OTHER -> throw notAFile(segment);
        };
    }

    private static FileSystemException notAFile(Path path) {
        return new FileSystemException(path.toString(), null, "a segment has to be a regular file");
    }

    private static void requireNotNegative(String name, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(name + " is negative: " + value);
        }
    }

    private record Settings(boolean preallocates, int recycledSegments, long reserveBytes, boolean ownerOnly) {}
}
