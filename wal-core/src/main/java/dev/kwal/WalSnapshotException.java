package dev.kwal;

import org.jspecify.annotations.Nullable;

/**
 * Snapshots and log together do not give a state without a gap: no whole snapshot contains everything that the log has
 * dropped, or the log ends before what a snapshot contains, or a snapshot is damaged or gone. Nothing was changed. Snapshots that
 * were damaged are among {@link #getSuppressed()}.
 */
public final class WalSnapshotException extends WalException {
    private static final long serialVersionUID = 1L;

    /** The first record that is missing. */
    private final long lsn;

    WalSnapshotException(long lsn, String what) {
        this(lsn, what, null);
    }

    WalSnapshotException(long lsn, String what, @Nullable Throwable cause) {
        super(what, cause);
        this.lsn = lsn;
    }

    /** The first record that is missing; 0 if that is not known. */
    public long lsn() {
        return lsn;
    }
}
