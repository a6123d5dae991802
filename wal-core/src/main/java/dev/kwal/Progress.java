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

    private boolean isClosed;
    private boolean isReleased;
    private @Nullable Throwable failure;
    private volatile long epoch;
    private volatile long lastLsn;
    private volatile long highestLsn;
    private volatile long writtenLsn;
    private volatile long durableLsn;

    /** Where the log stands when it is opened. */
    Progress(Executor executor, Observers observers, long epoch, long lastLsn, long durableLsn) {
        this.waiters = new Waiters(executor);
        this.observers = observers;
        this.epoch = epoch;
        this.lastLsn = lastLsn;
        this.highestLsn = lastLsn;
        this.writtenLsn = lastLsn;
        this.durableLsn = durableLsn;
    }

    ReentrantLock lock() {
        return lock;
    }

    /** Waits for any change; with the lock. An interrupt ends nothing and is kept. */
    @SuppressWarnings("WaitNotInLoop") // The callers loop.
    void await() {
        changed.awaitUninterruptibly();
    }

    /** Waits for any change, at most until the deadline; with the lock. False if the time ran out. */
    boolean await(Deadline deadline) {
        boolean wasInterrupted = false;
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

    long lastLsn() {
        return lastLsn;
    }

    /** The highest LSN that was ever assigned since the log was opened, or before; it may have been given up. */
    long highestLsn() {
        return highestLsn;
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
            case BUFFERED -> lastLsn;
            case WRITTEN -> writtenLsn;
            case SYNCED -> durableLsn;
        };
    }

    void appended(int count) {
        long next = lastLsn + count;
        lastLsn = next;
        highestLsn = Math.max(highestLsn, next);
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
            lock.unlock();
        }
    }

    private void settle() {
        waiters.reached(writtenLsn, durableLsn);
        changed();
    }

    /** Takes the suffix behind {@code lsn} away, which is durable, in a new epoch. */
    void cutTo(long lsn, long itsEpoch) {
        lock.lock();
        try {
            lastLsn = lsn;
            writtenLsn = lsn;
            durableLsn = lsn;
            epoch = itsEpoch;
            changed();
        } finally {
            lock.unlock();
        }
    }

    // -- the end

    /** Fails for good. The first failure is kept. */
    void fail(Throwable cause) {
        lock.lock();
        try {
            if (failure == null) {
                failure = cause;
                waiters.fail(new WalFailedException(durableLsn, cause));
            }
            changed();
        } finally {
            lock.unlock();
        }
    }

    /** No append is accepted from here on. */
    void close() {
        lock.lock();
        try {
            isClosed = true;
            changed();
        } finally {
            lock.unlock();
        }
    }

    /** Nothing is written any more; tickets that are left hear that the log is closed. */
    void release() {
        lock.lock();
        try {
            isReleased = true;
            waiters.fail(new WalClosedException());
            changed();
        } finally {
            lock.unlock();
        }
    }

    boolean isClosed() {
        lock.lock();
        try {
            return isClosed;
        } finally {
            lock.unlock();
        }
    }

    boolean isFailed() {
        return failure() != null;
    }

    /** Why the log has failed; null if it has not. */
    @Nullable
    Throwable failure() {
        lock.lock();
        try {
            return failure;
        } finally {
            lock.unlock();
        }
    }

    boolean isReleased() {
        lock.lock();
        try {
            return isReleased;
        } finally {
            lock.unlock();
        }
    }

    /** Throws unless appends are accepted. */
    void checkUsable() throws WalException {
        lock.lock();
        try {
            checkNotFailed();
            if (isClosed) {
                throw new WalClosedException();
            }
        } finally {
            lock.unlock();
        }
    }

    void checkNotFailed() throws WalFailedException {
        lock.lock();
        try {
            if (failure != null) {
                throw new WalFailedException(durableLsn, failure);
            }
        } finally {
            lock.unlock();
        }
    }

    // -- waiting

    boolean hasRoomForTicket() {
        return waiters.hasRoom();
    }

    /** A ticket for the last record there is. */
    WalTicket ticket(Durability level) throws WalException {
        lock.lock();
        try {
            checkUsable();
            if (reachedLsn(level) >= lastLsn) {
                return new WalTicket(lastLsn, CompletableFuture.completedStage(lastLsn));
            }
            return new WalTicket(lastLsn, waiters.add(lastLsn, level).minimalCompletionStage());
        } finally {
            lock.unlock();
        }
    }

    /** The highest LSN that a ticket waits for at a level; 0 if none does or none can be served. */
    long ticketLsn(Durability level) {
        lock.lock();
        try {
            return failure == null && !isReleased ? waiters.highestLsn(level) : 0;
        } finally {
            lock.unlock();
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
            while (reachedLsn(level) < Math.min(lsn, lastLsn) && epoch == startEpoch) {
                checkNotFailed();
                if (isReleased) {
                    throw new WalClosedException();
                }
                if (!await(deadline)) {
                    return reachedLsn(level) >= Math.min(lsn, lastLsn);
                }
            }
            return true;
        } finally {
            lock.unlock();
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
            lock.unlock();
        }
    }
}
