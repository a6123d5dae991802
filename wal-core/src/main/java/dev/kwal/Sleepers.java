package dev.kwal;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Threads that wait for their records to reach a level. Guarded by the lock of the write path.
 *
 * <p>Always: whoever is taken off the list is woken, by the thread that took it off, after it has given the lock back; each is
 * woken once. Nobody is woken whose time has not come, but for one who takes the lead.
 */
final class Sleepers {
    private final List<Sleeper> written = new ArrayList<>();
    private final List<Sleeper> synced = new ArrayList<>();
    private @Nullable List<Sleeper> woken;

    /** A thread and what it waits for. */
    static final class Sleeper {
        private final Thread thread = Thread.currentThread();
        private final long lsn;
        private volatile boolean isAwake;

        private Sleeper(long lsn) {
            this.lsn = lsn;
        }

        /** Without the lock. */
        void sleep() {
            boolean wasInterrupted = false;
            while (!isAwake) {
                LockSupport.park(this);
                wasInterrupted |= Thread.interrupted();
            }
            if (wasInterrupted) {
                thread.interrupt();
            }
        }

        /** Without the lock. */
        void wake() {
            isAwake = true;
            LockSupport.unpark(thread);
        }
    }

    Sleeper add(long lsn, Durability level) {
        var sleeper = new Sleeper(lsn);
        sleepers(level).add(sleeper);
        return sleeper;
    }

    private List<Sleeper> sleepers(Durability level) {
        return level == Durability.SYNCED ? synced : written;
    }

    void reached(long writtenLsn, long durableLsn) {
        take(written, writtenLsn);
        take(synced, durableLsn);
    }

    private void take(List<Sleeper> sleepers, long lsn) {
        if (!sleepers.isEmpty()) {
            sleepers.removeIf(sleeper -> sleeper.lsn <= lsn && woken().add(sleeper));
        }
    }

    /** First of all others, so that the next group is under way while they are woken. */
    void wakeNext(Durability level) {
        var sleepers = sleepers(level);
        if (!sleepers.isEmpty()) {
            woken().add(0, sleepers.remove(0));
        }
    }

    void wakeAll() {
        take(written, Long.MAX_VALUE);
        take(synced, Long.MAX_VALUE);
    }

    private List<Sleeper> woken() {
        if (woken == null) {
            woken = new ArrayList<>();
        }
        return woken;
    }

    /** Those to be woken by the caller, without the lock; null if there are none. */
    @Nullable
    List<Sleeper> takeWoken() {
        var taken = woken;
        woken = null;
        return taken;
    }
}
