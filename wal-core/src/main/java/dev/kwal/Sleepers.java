package dev.kwal;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Threads that wait for their records to reach a level. Guarded by the lock of the write path, but for waiting and waking.
 *
 * <p>Always: whoever is taken off the queue is woken, after the lock was given back, by the thread that took it off or by one
 * that this has woken; each is woken once. Nobody is woken whose time has not come, but for one who takes the lead.
 */
final class Sleepers {
    private final Queue written = new Queue();
    private final Queue synced = new Queue();
    private Queue woken = new Queue();

    /** A thread and what it waits for. */
    static final class Sleeper {
        private final Thread thread = Thread.currentThread();
        private final long lsn;
        private final boolean canLead;
        private @Nullable Sleeper next;
        private @Nullable Queue wakesAlso;
        private volatile boolean isAwake;

        private Sleeper(long lsn, boolean canLead) {
            this.lsn = lsn;
            this.canLead = canLead;
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
            if (wakesAlso != null) {
                wakesAlso.wakeEach();
            }
        }

        private void wake() {
            isAwake = true;
            LockSupport.unpark(thread);
        }
    }

    /** A chain of sleepers, which are in one queue at a time. */
    static final class Queue {
        private @Nullable Sleeper head;
        private @Nullable Sleeper tail;

        private void add(Sleeper sleeper) {
            sleeper.next = null;
            if (tail == null) {
                head = sleeper;
            } else {
                tail.next = sleeper;
            }
            tail = sleeper;
        }

        private void addFirst(Sleeper sleeper) {
            sleeper.next = head;
            head = sleeper;
            if (tail == null) {
                tail = sleeper;
            }
        }

        private void unlink(@Nullable Sleeper before, Sleeper sleeper) {
            if (before == null) {
                head = sleeper.next;
            } else {
                before.next = sleeper.next;
            }
            if (tail == sleeper) {
                tail = before;
            }
        }

        /** Hands those over whose LSN is not behind the one given. */
        private void moveTo(Queue others, long lsn) {
            Sleeper before = null;
            for (var sleeper = head; sleeper != null; ) {
                var next = sleeper.next;
                if (sleeper.lsn <= lsn) {
                    unlink(before, sleeper);
                    others.add(sleeper);
                } else {
                    before = sleeper;
                }
                sleeper = next;
            }
        }

        /** Takes out the first that can lead. */
        private @Nullable Sleeper pollLeader() {
            Sleeper before = null;
            for (var sleeper = head; sleeper != null; sleeper = sleeper.next) {
                if (sleeper.canLead) {
                    unlink(before, sleeper);
                    return sleeper;
                }
                before = sleeper;
            }
            return null;
        }

        private int count() {
            int count = 0;
            for (var sleeper = head; sleeper != null; sleeper = sleeper.next) {
                count++;
            }
            return count;
        }

        private void wakeEach() {
            for (var sleeper = head; sleeper != null; ) {
                var next = sleeper.next;
                sleeper.wake();
                sleeper = next;
            }
        }

        /**
         * Wakes all, without the lock. A virtual thread is woken much cheaper by another than by a thread that carries none:
         * where the caller is such a one, the first of them wakes the others.
         */
        void wake() {
            if (VirtualThreads.isCurrent()) {
                wakeEach();
                return;
            }
            Sleeper first = null;
            var carried = new Queue();
            for (var sleeper = head; sleeper != null; ) {
                var next = sleeper.next;
                if (!VirtualThreads.is(sleeper.thread)) {
                    sleeper.wake();
                } else if (first == null) {
                    first = sleeper;
                } else {
                    carried.add(sleeper);
                }
                sleeper = next;
            }
            if (first != null) {
                first.wakesAlso = carried;
                first.wake();
            }
        }
    }

    /**
     * Adds the caller.
     *
     * @param canLead whether it takes its turn to lead
     */
    Sleeper add(long lsn, Durability level, boolean canLead) {
        var sleeper = new Sleeper(lsn, canLead);
        sleepers(level).add(sleeper);
        return sleeper;
    }

    private Queue sleepers(Durability level) {
        return level == Durability.SYNCED ? synced : written;
    }

    /** How many there are; takes as long as that. */
    int count() {
        return written.count() + synced.count();
    }

    void reached(long writtenLsn, long durableLsn) {
        written.moveTo(woken, writtenLsn);
        synced.moveTo(woken, durableLsn);
    }

    /** First of all others, so that the next group is under way while they are woken. */
    void wakeNext(Durability level) {
        var leader = sleepers(level).pollLeader();
        if (leader != null) {
            woken.addFirst(leader);
        }
    }

    void wakeAll() {
        reached(Long.MAX_VALUE, Long.MAX_VALUE);
    }

    /** Those to be {@linkplain Queue#wake woken} by the caller, without the lock; null if there are none. */
    @Nullable
    Queue takeWoken() {
        if (woken.head == null) {
            return null;
        }
        var taken = woken;
        woken = new Queue();
        return taken;
    }
}
