package dev.kwal.storage.disk;

import dev.kwal.storage.FileSnapshotStore;
import dev.kwal.storage.FileStore;
import dev.kwal.storage.SingleFileStore;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Puts a {@link FileStore}, {@link FileSnapshotStore} or {@link SingleFileStore} on another disk than the machine's. */
public final class OtherDisk {
    private static volatile @Nullable BiFunction<FileStore, Disk, FileStore> mover;
    private static volatile @Nullable BiFunction<FileSnapshotStore, Disk, FileSnapshotStore> snapshotMover;
    private static volatile @Nullable BiFunction<SingleFileStore, Disk, SingleFileStore> singleFileMover;

    private OtherDisk() {}

    /** {@link FileStore}, which shows its disk to nobody, says how before there is a store. */
    public static void movesBy(BiFunction<FileStore, Disk, FileStore> how) {
        if (mover != null) {
            throw new IllegalStateException("it is known how a store is moved");
        }
        mover = how;
    }

    /** A store of the same directory and settings, on this disk. */
    public static FileStore move(FileStore store, Disk disk) {
        var how = mover;
        if (how == null) {
            throw new IllegalStateException("it is not known how a store is moved");
        }
        return how.apply(store, disk);
    }

    /** As {@link #movesBy}, for a {@link FileSnapshotStore}. */
    public static void movesSnapshotsBy(BiFunction<FileSnapshotStore, Disk, FileSnapshotStore> how) {
        if (snapshotMover != null) {
            throw new IllegalStateException("it is known how a store is moved");
        }
        snapshotMover = how;
    }

    /** A store of the same directory and settings, on this disk. */
    public static FileSnapshotStore move(FileSnapshotStore store, Disk disk) {
        var how = snapshotMover;
        if (how == null) {
            throw new IllegalStateException("it is not known how a store is moved");
        }
        return how.apply(store, disk);
    }

    /** As {@link #movesBy}, for a {@link SingleFileStore}. */
    public static void movesSingleFilesBy(BiFunction<SingleFileStore, Disk, SingleFileStore> how) {
        if (singleFileMover != null) {
            throw new IllegalStateException("it is known how a store is moved");
        }
        singleFileMover = how;
    }

    /** A store of the same file and settings, on this disk. */
    public static SingleFileStore move(SingleFileStore store, Disk disk) {
        var how = singleFileMover;
        if (how == null) {
            throw new IllegalStateException("it is not known how a store is moved");
        }
        return how.apply(store, disk);
    }
}
