package dev.kwal;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * How far the log has come and whether it can go on; owns all waiting for that.
 *
 * <p>Always: {@code durableLsn <= writtenLsn <= lastLsn}, each at the end of a batch. A failure is kept for good, and
 * everybody who waits hears of it. Thread-safe; what the write path changes together it changes under the {@link #lock()}.
 */
final class Progress {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Waiters waiters;
    private final Observers observers;

    private final Sleepers sleepers = new Sleepers();
    private volatile boolean isClosed;
    private volatile boolean isReleased;
    private volatile @Nullable Throwable failure;
    private volatile long epoch;
    private volatile long writerEpoch;
    private volatile Term term;
    private volatile long highestCutLsn;
    private volatile long writtenLsn;
    private volatile long durableLsn;

    /** Where the log stands when it is opened. */
    Progress(Executor executor, Observers observers, long epoch, long lastLsn, long durableLsn) {
        this.waiters = new Waiters(executor);
        this.observers = observers;
        this.epoch = epoch;
        this.term = Term.none(lastLsn);
        this.highestCutLsn = lastLsn;
        this.writtenLsn = lastLsn;
        this.durableLsn = durableLsn;
    }

    ReentrantLock lock() {
        return lock;
    }

    /** Waits for any change; with the lock. An interrupt ends nothing and is kept. */
    @SuppressWarnings("WaitNotInLoop") // The callers loop.
    void await() {
        wakeNow();
        changed.awaitUninterruptibly();
    }

    /** Waits for any change, at most until the deadline; with the lock. False if the time ran out. */
    boolean await(Deadline deadline) {
        boolean wasInterrupted = false;
        wakeNow();
        while (true) {
            try {
                boolean isInTime = changed.awaitNanos(deadline.nanosLeft()) > 0;
                if (wasInterrupted) {
                    Thread.currentThread().interrupt();
                }
                return isInTime;
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
    }

    /** Tells everybody to look again; with the lock. */
    void signal() {
        changed.signalAll();
    }

    private void changed() {
        signal();
        observers.changed();
    }

    // -- watermarks

    /** Where appenders put their records. */
    Term term() {
        return term;
    }

    /** Appenders go on in another term, which goes on behind the last; with the lock. */
    void begin(Term next) {
        term = next;
    }

    /** The last record that has its LSN. */
    long lastLsn() {
        return term.lastLsn();
    }

    /** The highest LSN that was ever assigned since the log was opened, or before; it may have been given up. */
    long highestLsn() {
        return Math.max(highestCutLsn, lastLsn());
    }

    long writtenLsn() {
        return writtenLsn;
    }

    long durableLsn() {
        return durableLsn;
    }

    /** Counts truncations. */
    long epoch() {
        return epoch;
    }

    long reachedLsn(Durability level) {
        return switch (level) {
            case BUFFERED -> lastLsn();
            case WRITTEN -> writtenLsn;
            case SYNCED -> durableLsn;
        };
    }

    void written(long lsn) {
        writtenLsn = Math.max(writtenLsn, lsn);
        settle();
    }

    void synced(long lsn) {
        lock.lock();
        try {
            durableLsn = Math.max(durableLsn, lsn);
            settle();
        } finally {
            unlockAndWake();
        }
    }

    private void settle() {
        waiters.reached(writtenLsn, durableLsn);
        sleepers.reached(writtenLsn, durableLsn);
        changed();
    }

    /** Takes the suffix behind {@code lsn} away, which is durable, in a new epoch. */
    void cutTo(long lsn, long itsEpoch) {
        lock.lock();
        try {
            highestCutLsn = highestLsn();
            epoch = itsEpoch;
            term = term.rebased(lsn);
            writtenLsn = lsn;
            durableLsn = lsn;
            sleepers.wakeAll();
            changed();
        } finally {
            unlockAndWake();
        }
    }

    // -- conditions

    /**
     * Shuts out writers before one of an epoch; by exclusive work only, when everything is written. Whoever still has the term
     * before gets nothing from it: it stays stopped.
     */
    void fence(long itsWriterEpoch) {
        lock.lock();
        try {
            writerEpoch = itsWriterEpoch;
            term = term.rebased(lastLsn());
        } finally {
            unlockAndWake();
        }
    }

    boolean isFenced(Precondition condition) {
        return condition.isFencedBy(writerEpoch);
    }

    /**
     * Throws unless a condition holds.
     *
     * @return the last LSN for which it does
     */
    long check(Precondition condition) throws WalException {
        if (isFenced(condition)) {
            throw new WalFencedException(condition.writerEpoch(), writerEpoch);
        }
        long lsn = lastLsn();
        if (!condition.allows(lsn + 1)) {
            throw new WalConflictException(condition.nextLsn(), lsn + 1);
        }
        return lsn;
    }

    // -- the end

    /** Fails for good. The first failure is kept. */
    void fail(Throwable cause) {
        lock.lock();
        try {
            if (failure == null) {
                failure = cause;
                term.stop();
                waiters.fail(new WalFailedException(durableLsn, cause));
            }
            sleepers.wakeAll();
            changed();
        } finally {
            unlockAndWake();
        }
    }

    /** No append is accepted from here on. */
    void close() {
        lock.lock();
        try {
            isClosed = true;
            term.stop();
            changed();
        } finally {
            unlockAndWake();
        }
    }

    /** Nothing is written any more; tickets that are left hear that the log is closed. */
    void release() {
        lock.lock();
        try {
            isReleased = true;
            waiters.fail(new WalClosedException());
            sleepers.wakeAll();
            changed();
        } finally {
            unlockAndWake();
        }
    }

    boolean isClosed() {
        return isClosed;
    }

    boolean isFailed() {
        return failure() != null;
    }

    /** Why the log has failed; null if it has not. */
    @Nullable
    Throwable failure() {
        return failure;
    }

    boolean isReleased() {
        return isReleased;
    }

    /** Throws unless appends are accepted. */
    void checkUsable() throws WalException {
        checkNotFailed();
        if (isClosed) {
            throw new WalClosedException();
        }
    }

    void checkNotFailed() throws WalFailedException {
        var cause = failure;
        if (cause != null) {
            throw new WalFailedException(durableLsn, cause);
        }
    }

    // -- waiting

    /** For a thread that waits, without the lock, until a record has reached a level or it is its turn to lead. */
    Sleepers.Sleeper sleeper(long lsn, Durability level) {
        return sleepers.add(lsn, level, true);
    }

    /**
     * For a thread that waits until a record has reached a level, and never leads; null if there is nothing to wait for.
     *
     * @throws WalException if the log has failed, or is closed and gets nothing to a level any more
     */
    Sleepers.@Nullable Sleeper follower(long lsn, Durability level) throws WalException {
        lock.lock();
        try {
            if (reachedLsn(level) >= lsn) {
                return null;
            }
            checkNotFailed();
            if (isReleased) {
                throw new WalClosedException();
            }
            return sleepers.add(lsn, level, false);
        } finally {
            unlockAndWake();
        }
    }

    /** Gives the lead to one who sleeps; with the lock. */
    void handOver(Durability level) {
        sleepers.wakeNext(level);
    }

    /** Gives the lock back, then wakes those whose time has come. */
    void unlockAndWake() {
        var woken = lock.getHoldCount() == 1 ? sleepers.takeWoken() : null;
        lock.unlock();
        if (woken != null) {
            woken.wake();
        }
    }

    private void wakeNow() {
        var woken = sleepers.takeWoken();
        if (woken != null) {
            woken.wake();
        }
    }

    boolean hasRoomForTicket() {
        return waiters.hasRoom();
    }

    /** A ticket for the last record there is. */
    WalTicket ticket(Durability level) throws WalException {
        lock.lock();
        try {
            return ticket(lastLsn(), level);
        } finally {
            unlockAndWake();
        }
    }

    /** A ticket for a record; with the lock, in the order of LSNs. */
    WalTicket ticket(long lsn, Durability level) throws WalException {
        lock.lock();
        try {
            checkUsable();
            if (reachedLsn(level) >= lsn) {
                return new WalTicket(lsn, CompletableFuture.completedStage(lsn));
            }
            return new WalTicket(lsn, waiters.add(lsn, level).minimalCompletionStage());
        } finally {
            unlockAndWake();
        }
    }

    /** The highest LSN that a ticket waits for at a level; 0 if none does or none can be served. */
    long ticketLsn(Durability level) {
        lock.lock();
        try {
            return failure == null && !isReleased ? waiters.highestLsn(level) : 0;
        } finally {
            unlockAndWake();
        }
    }

    /**
     * Waits until a record has reached a level or was given up, at most until the deadline.
     *
     * @return false if the time ran out
     * @throws WalException if the log failed or was closed first
     */
    boolean awaitReached(long lsn, Durability level, Deadline deadline) throws WalException {
        lock.lock();
        try {
            long startEpoch = epoch;
            while (reachedLsn(level) < Math.min(lsn, lastLsn()) && epoch == startEpoch) {
                checkNotFailed();
                if (isReleased) {
                    throw new WalClosedException();
                }
                if (!await(deadline)) {
                    return reachedLsn(level) >= Math.min(lsn, lastLsn());
                }
            }
            return true;
        } finally {
            unlockAndWake();
        }
    }

    /**
     * Waits for a change of any kind, unless a record has reached a level or the log has ended.
     *
     * @throws InterruptedException if the thread was interrupted
     */
    @SuppressWarnings("WaitNotInLoop") // The caller loops.
    void awaitReached(long lsn, Durability level, long nanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            if (reachedLsn(level) < lsn && !isReleased && failure == null && nanos > 0) {
                // Whether time was left is for the caller to see: it looks again in any case.
                long ignored = changed.awaitNanos(nanos);
            }
        } finally {
            unlockAndWake();
        }
    }
}
