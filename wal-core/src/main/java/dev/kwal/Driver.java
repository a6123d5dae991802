package dev.kwal;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * Brings records to one level in the background, for those who do not do it themselves: holders of tickets, and callers whose
 * time is limited.
 *
 * <p>Always: at most one task of it is under way. Thread-safe.
 */
final class Driver {
    private final Durability level;
    private final WritePath path;
    private final Progress progress;
    private final Executor background;
    private final BooleanSupplier isDue;
    private final AtomicLong demanded = new AtomicLong();
    private final AtomicBoolean isDriving = new AtomicBoolean();

    /** @param isDue whether there is something to do although nobody has asked */
    Driver(Durability level, WritePath path, Progress progress, Executor background, BooleanSupplier isDue) {
        this.isDue = isDue;
        this.level = level;
        this.path = path;
        this.progress = progress;
        this.background = background;
    }

    /** Sees to it that the records up to {@code lsn} reach the level. */
    void demand(long lsn) {
        demanded.accumulateAndGet(lsn, Math::max);
        drive();
    }

    /** Whether a task of it is under way. */
    boolean isDriving() {
        return isDriving.get();
    }

    /** Sees to it that tickets are served. */
    void drive() {
        if (isDriving.compareAndSet(false, true)) {
            try {
                background.execute(this::commitWanted);
            } catch (RejectedExecutionException e) {
                // The log is being closed, which commits everything.
                return;
            }
        }
    }

    private void commitWanted() {
        boolean goesOn = true;
        try {
            for (long lsn = takeWanted(); goesOn && lsn != 0; lsn = takeWanted()) {
                goesOn = commit(lsn);
            }
        } finally {
            isDriving.set(false);
        }
        long lastLsn = progress.lastLsn();
        if (goesOn && progress.reachedLsn(level) < lastLsn && isDue.getAsBoolean()) {
            demand(lastLsn);
        } else if (goesOn && (demanded.get() != 0 || progress.ticketLsn(level) != 0)) {
            // It was wanted between the last look and the flag.
            drive();
        }
    }

    private long takeWanted() {
        return Math.max(demanded.getAndSet(0), progress.ticketLsn(level));
    }

    /** A failure is kept by the write path and told to everybody who waits. */
    private boolean commit(long lsn) {
        try {
            path.commit(lsn, level);
            return true;
        } catch (WalException e) {
            return false;
        }
    }
}
