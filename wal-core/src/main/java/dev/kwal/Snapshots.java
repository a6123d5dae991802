package dev.kwal;

import dev.kwal.storage.SnapshotStore;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Snapshots of the state that a log's records amount to, so that the log can be shortened and recovering is quick.
 *
 * <p>Publishing writes a snapshot, durably, then drops the records that the oldest of the newest {@code keep} snapshots
 * contains, and then deletes older snapshots. So each of these can be recovered from, the log going on from it: should one
 * be damaged, the one before it does. Recovering is the affair of {@link SnapshotRecovery}.
 *
 * <p>Always: nothing is deleted, in the log or among the snapshots, on the word of a snapshot that was not read whole.
 *
 * <p>Thread-safe; one thread at a time publishes or truncates, others wait: make one object for all of them. Appends go on
 * meanwhile. Closing the log is up to whoever opened it; snapshots need no closing.
 */
public final class Snapshots {
    /** How many snapshots are kept unless told otherwise. */
    public static final int DEFAULT_KEEP = 2;

    private final Wal wal;
    private final SnapshotStore store;
    private final int keep;
    private final ReentrantLock publishing = new ReentrantLock();

    private Snapshots(Wal wal, SnapshotStore store, int keep) {
        this.wal = wal;
        this.store = store;
        this.keep = keep;
    }

    /** The snapshots of a log that is open, {@value #DEFAULT_KEEP} of them kept. */
    public static Snapshots of(Wal wal, SnapshotStore store) {
        return of(wal, store, DEFAULT_KEEP);
    }

    /**
     * The snapshots of a log that is open.
     *
     * @param keep how many whole snapshots are kept, 1 or more. With 1 the log is shortest, and nothing but a backup is left
     *     if that one is damaged
     */
    public static Snapshots of(Wal wal, SnapshotStore store, int keep) {
        if (keep < 1) {
            throw new IllegalArgumentException("keep is " + keep + ", expected 1 or more");
        }
        return new Snapshots(wal, store, keep);
    }

    /**
     * Opens a log of which there are snapshots: they tell a last record that must be there, so that a log which lost its end
     * is refused where the log alone would not know. Use {@link #truncateAfter} and not the log's own to give up a suffix.
     *
     * @throws WalCorruptedException also if the log ends before what a snapshot contains; nothing was changed
     * @throws IOException as {@link Wal#open(WalStore, WalOptions)} does, or if snapshots cannot be read
     */
    public static Wal openLog(WalStore log, WalOptions options, SnapshotStore store) throws IOException {
        long expected = options.expectAtLeast();
        for (var snapshot : SnapshotShelf.headers(store, new ArrayList<>())) {
            expected = Math.max(expected, snapshot.lsn());
        }
        return Wal.open(log, options.withExpectAtLeast(expected));
    }

    /** The log. */
    public Wal wal() {
        return wal;
    }

    /**
     * The snapshots whose headers can be read, oldest first. Their contents are not looked at.
     *
     * @throws IOException if the store cannot be read
     */
    public List<Snapshot> list() throws IOException {
        return SnapshotShelf.headers(store, new ArrayList<>());
    }

    /** Recovers the state from snapshots and log. */
    public SnapshotRecovery recovery() {
        return SnapshotRecovery.of(wal, store);
    }

    /**
     * Writes a snapshot, and drops what is no longer needed. On return the snapshot survives a loss of power, as far as
     * its store does, and so does the new first LSN of the log.
     *
     * <p>In this order: the log is synced up to {@code lsn}, as far as its store can; the snapshot is made durable; the
     * new first LSN is made durable in the log, segments are deleted; older snapshots are deleted. While there are fewer
     * whole snapshots than are kept, nothing is dropped. After an exception the snapshot may be there or not; if one comes
     * before the new first LSN is durable, nothing was deleted. Publishing again is always right.
     *
     * @param lsn the last record whose effect the content contains; from that of the newest snapshot to
     *     {@link Wal#lastLsn()}
     * @param content the state after that record and no later one, however long; asked once, on this thread. The same
     *     content in the same epoch gives the same bytes
     * @throws IllegalArgumentException if {@code lsn} is out of that range
     * @throws IOException if the log cannot be synced or checkpointed, a snapshot cannot be written, read or deleted, or
     *     the content throws
     */
    public Snapshot publish(long lsn, SnapshotStore.Content content) throws IOException {
        publishing.lock();
        try {
            var headers = list();
            check(lsn, headers);
            syncLog(lsn);
            var snapshot = new Snapshot(SnapshotShelf.nextSequence(store), lsn, wal.epoch());
            store.create(snapshot.sequence(), target -> {
                var output = new SnapshotOutput(target, snapshot);
                content.writeTo(output);
                output.end();
            });
            dropBefore(snapshot, headers);
            return snapshot;
        } finally {
            publishing.unlock();
        }
    }

    /**
     * Gives up a suffix of the log, after the snapshots that contain records of it: {@link Wal#truncateAfter} with snapshots.
     * If it fails on the way the log may be as it was, with fewer snapshots.
     *
     * @param lsn from {@code firstLsn() - 1} to {@link Wal#lastLsn()}
     * @throws IllegalArgumentException if {@code lsn} is out of that range
     * @throws WalSnapshotException if the log has dropped records up to {@code lsn} that no snapshot left would contain;
     *     nothing was changed
     * @throws IOException as {@link Wal#truncateAfter} does, or if a snapshot cannot be read or deleted
     */
    public void truncateAfter(long lsn) throws IOException {
        publishing.lock();
        try {
            if (lsn < wal.firstLsn() - 1 || lsn > wal.lastLsn()) {
                throw new IllegalArgumentException(
                        "lsn is " + lsn + ", expected " + (wal.firstLsn() - 1) + " to " + wal.lastLsn());
            }
            var headers = list();
            requireSnapshotUpTo(lsn, headers);
            for (var snapshot : headers) {
                if (snapshot.lsn() > lsn) {
                    store.delete(snapshot.sequence());
                }
            }
            wal.truncateAfter(lsn);
        } finally {
            publishing.unlock();
        }
    }

    private void requireSnapshotUpTo(long lsn, List<Snapshot> headers) throws IOException {
        if (wal.firstLsn() == 1) {
            return;
        }
        for (var snapshot : headers) {
            boolean isUsable = snapshot.lsn() <= lsn && snapshot.lsn() >= wal.firstLsn() - 1;
            if (isUsable && SnapshotShelf.problem(store, snapshot.sequence()) == null) {
                return;
            }
        }
        throw new WalSnapshotException(
                1,
                store + ": no whole snapshot contains records up to one from " + (wal.firstLsn() - 1) + " to " + lsn
                        + ", and the log begins with " + wal.firstLsn());
    }

    private void check(long lsn, List<Snapshot> headers) {
        long least = wal.firstLsn() - 1;
        for (var snapshot : headers) {
            if (snapshot.epoch() == wal.epoch()) {
                least = Math.max(least, snapshot.lsn());
            }
        }
        if (lsn < least || lsn > wal.lastLsn()) {
            throw new IllegalArgumentException("lsn is " + lsn + ", expected " + least + " to " + wal.lastLsn());
        }
    }

    /** A snapshot must never contain what the log may still lose. */
    private void syncLog(long lsn) throws IOException {
        var capabilities = wal.capabilities();
        if (capabilities.survivesPowerLoss()) {
            wal.commit(lsn, Durability.SYNCED);
        } else if (capabilities.survivesProcessCrash()) {
            wal.commit(lsn, Durability.WRITTEN);
        }
    }

    /** Drops what the oldest of those that are kept contains, once there are as many. */
    private void dropBefore(Snapshot newest, List<Snapshot> headers) throws IOException {
        var oldest = newest;
        int count = 1;
        for (int position = headers.size() - 1; position >= 0 && count < keep; position--) {
            var snapshot = headers.get(position);
            if (isLeadingTo(newest, snapshot) && SnapshotShelf.problem(store, snapshot.sequence()) == null) {
                oldest = snapshot;
                count++;
            }
        }
        if (count < keep) {
            return;
        }
        wal.checkpoint(oldest.lsn());
        for (long sequence : store.snapshots()) {
            if (sequence < oldest.sequence()) {
                store.delete(sequence);
            }
        }
    }

    /** Whether the log goes from one snapshot to the other. */
    private boolean isLeadingTo(Snapshot newest, Snapshot snapshot) {
        return snapshot.lsn() <= newest.lsn()
                && snapshot.lsn() >= wal.firstLsn() - 1
                && !SnapshotShelf.isGivenUp(wal, snapshot);
    }
}
