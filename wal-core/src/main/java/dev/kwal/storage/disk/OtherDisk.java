package dev.kwal.storage.disk;

import dev.kwal.storage.FileStore;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Puts a {@link FileStore} on another disk than the machine's. */
public final class OtherDisk {
    private static volatile @Nullable BiFunction<FileStore, Disk, FileStore> mover;

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
}
