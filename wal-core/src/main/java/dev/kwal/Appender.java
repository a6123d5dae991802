package dev.kwal;

import dev.kwal.storage.StoreCapabilities;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Brings what callers append into the buffer and to the level they ask for. Thread-safe.
 *
 * <p>A caller without a time limit does the work itself where nobody else is at it; one with a limit lets the background do
 * it and waits.
 */
final class Appender {
    private static final String NOT_APPENDED = "nothing was appended";

    private final WalOptions options;
    private final WalStore store;
    private final StoreCapabilities capabilities;
    private final WritePath path;
    private final Progress progress;
    private final Succession succession;
    private final Dropping dropping;
    private final Chores chores;
    private final LimitedCalls calls;
    private volatile @Nullable Timestamps timestamps;

    Appender(
            WalOptions options,
            WalStore store,
            WritePath path,
            Progress progress,
            Succession succession,
            Dropping dropping,
            Chores chores,
            LimitedCalls calls) {
        this.options = options;
        this.store = store;
        this.capabilities = store.capabilities();
        this.calls = calls;
        this.path = path;
        this.progress = progress;
        this.succession = succession;
        this.dropping = dropping;
        this.chores = chores;
    }

    /**
     * Refuses a level that the store cannot give.
     *
     * @throws IllegalArgumentException if it cannot
     */
    void check(Durability level) {
        Objects.requireNonNull(level, "level");
        if (level == Durability.SYNCED && !capabilities.survivesPowerLoss()) {
            throw refusal(level, "a loss of power", "WRITTEN or BUFFERED");
        }
        if (level == Durability.WRITTEN && !capabilities.survivesProcessCrash()) {
            throw refusal(level, "its process", "BUFFERED");
        }
    }

    private IllegalArgumentException refusal(Durability level, String event, String rest) {
        return new IllegalArgumentException("the store cannot give level " + level
                + ", because it does not promise to survive " + event + ": " + store + "; ask for " + rest
                + ", or open the log on a store that does");
    }

    /** Dates every record from now on. */
    void dateBy(Timestamps itsTimestamps) {
        timestamps = itsTimestamps;
    }

    long append(ByteBuffer record, Durability level, Deadline deadline) throws IOException {
        check(level);
        long lsn = put(record);
        if (lsn == 0) {
            return append(FrameGroup.of(record, options), level, deadline);
        }
        if (level != Durability.BUFFERED) {
            commit(lsn, level, deadline, lsn);
        }
        return lsn;
    }

    /**
     * Appends without a lock, if there is room and records get no timestamps; 0 if not. The caller may move position and limit
     * meanwhile.
     */
    private long put(ByteBuffer record) {
        if (timestamps != null) {
            return 0;
        }
        var view = record.hasArray() ? record : record.duplicate();
        int from = view.position();
        int length = view.remaining();
        Objects.checkFromIndexSize(from, length, view.capacity());
        FrameGroup.checkLength(length, options);
        long lsn = path.tryPut(view, from, length);
        if (lsn != 0) {
            chores.appended(null);
        }
        return lsn;
    }

    long append(FrameGroup group, Durability level, Deadline deadline) throws IOException {
        check(level);
        if (group.count() == 0) {
            progress.checkUsable();
            return progress.check(group.condition());
        }
        long lsn = put(group, null, deadline).lsn();
        if (level != Durability.BUFFERED) {
            commit(lsn, level, deadline, lsn);
        }
        return lsn;
    }

    long tryAppend(ByteBuffer record) throws WalException {
        long lsn = put(record);
        return lsn != 0 ? lsn : tryAppend(FrameGroup.of(record, options));
    }

    long tryAppend(FrameGroup group) throws WalException {
        if (group.count() == 0) {
            progress.checkUsable();
            return progress.check(group.condition());
        }
        var taken = path.tryPut(dated(group), null);
        if (taken.room() == Terms.Room.TAKEN) {
            chores.appended(null);
        } else if (taken.room() == Terms.Room.NO_SEGMENT) {
            // A full buffer is written at the next tick in any case.
            long frameBytes = dated(group).frameBytes();
            chores.roomWanted(() -> dropping.makeRoomFor(frameBytes));
        }
        return taken.lsn();
    }

    WalTicket appendAsync(FrameGroup group, Durability level, Deadline deadline) throws IOException {
        check(level);
        if (group.count() == 0) {
            var last = progress.ticket(level);
            chores.driver(level).drive();
            return last;
        }
        var ticket = put(group, level, deadline).ticket();
        if (ticket == null) {
            throw new IllegalStateException("no ticket was given");
        }
        return ticket;
    }

    private FrameGroup dated(FrameGroup group) {
        var dates = timestamps;
        return dates == null ? group : group.datedBy(dates);
    }

    /** Puts a group into the buffer, making room where there is none. */
    private WritePath.Taken put(FrameGroup undated, @Nullable Durability ticketLevel, Deadline deadline)
            throws IOException {
        var group = dated(undated);
        var taken = path.tryPut(group, ticketLevel);
        if (taken.room() != Terms.Room.TAKEN) {
            long start = path.meter().now();
            while (taken.room() != Terms.Room.TAKEN) {
                if (deadline.isNever()) {
                    makeRoom(group.frameBytes(), taken.room());
                } else {
                    makeRoom(group.frameBytes(), taken.room(), deadline);
                }
                taken = path.tryPut(group, ticketLevel);
            }
            path.count(meter -> meter.waitedForRoom(start));
        }
        chores.appended(ticketLevel);
        return taken;
    }

    private void makeRoom(long frameBytes, Terms.Room why) throws IOException {
        if (why == Terms.Room.NO_SEGMENT) {
            dropping.makeRoomFor(frameBytes);
        } else {
            path.awaitRoom();
        }
    }

    private void makeRoom(long frameBytes, Terms.Room why, Deadline deadline) throws IOException {
        if (why == Terms.Room.NO_SEGMENT) {
            calls.within(deadline, NOT_APPENDED, () -> makeRoom(frameBytes, why));
        } else {
            chores.driver(Durability.WRITTEN).demand(progress.lastLsn());
            if (!path.awaitRoom(deadline)) {
                throw deadline.passed(0, NOT_APPENDED);
            }
        }
    }

    /** Syncs everything there is, which a truncation may make less meanwhile. */
    long sync(Deadline deadline) throws IOException {
        checkCommit(Durability.SYNCED);
        return commit(progress.lastLsn(), Durability.SYNCED, deadline, 0);
    }

    private void checkCommit(Durability level) throws WalException {
        check(level);
        if (progress.isReleased()) {
            throw new WalClosedException();
        }
        progress.checkNotFailed();
    }

    long commit(long lsn, Durability level, Deadline deadline) throws IOException {
        checkCommit(level);
        // A record that a truncation gave up meanwhile was appended all the same.
        if (lsn < 0 || lsn > progress.highestLsn()) {
            throw new IllegalArgumentException("lsn is " + lsn + ", expected 0 to " + progress.lastLsn());
        }
        return commit(lsn, level, deadline, 0);
    }

    private long commit(long lsn, Durability level, Deadline deadline, long accepted) throws IOException {
        if (deadline.isNever()) {
            return commitNow(lsn, level);
        }
        String outcome = accepted == 0 ? "the commit goes on" : "LSN " + accepted + " is accepted and goes on";
        if (level == Durability.SYNCED && succession.isCopyPending()) {
            calls.within(deadline, outcome, () -> path.exclusively(succession::copyTail));
        }
        if (progress.reachedLsn(level) < lsn) {
            chores.driver(level).demand(lsn);
            if (!progress.awaitReached(lsn, level, deadline)) {
                throw deadline.passed(accepted, outcome);
            }
        }
        return commitNow(lsn, level);
    }

    private long commitNow(long lsn, Durability level) throws IOException {
        if (level == Durability.SYNCED && succession.isCopyPending()) {
            path.exclusively(succession::copyTail);
        }
        long reached = level == Durability.SYNCED && VirtualThreads.isCurrent()
                ? path.commit(lsn, level, chores.driver(level))
                : path.commit(lsn, level);
        if (level == Durability.SYNCED) {
            chores.synced();
        }
        return reached;
    }
}
