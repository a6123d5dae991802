package dev.kwal;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What a log does in the background: hands buffered records to the operating system in time, notes what is durable when it
 * is idle, prepares segments ahead, commits for tickets, and works for callers whose time is limited.
 *
 * <p>Thread-safe. Nothing is scheduled while the log is idle.
 */
final class Chores {
    private static final int MAX_LIMITED_CALLS = 1024;

    private final WalOptions options;
    private final WritePath path;
    private final Progress progress;
    private final SegmentSource source;
    private final ScheduledExecutorService background;
    private final Semaphore permits = new Semaphore(MAX_LIMITED_CALLS);
    private final AtomicBoolean isTickScheduled = new AtomicBoolean();
    private final AtomicBoolean isDriving = new AtomicBoolean();
    private final AtomicReference<WritePath.@Nullable Work> wanted = new AtomicReference<>();
    private volatile long lastSeenLsn;

    Chores(
            WalOptions options,
            WritePath path,
            Progress progress,
            SegmentSource source,
            ScheduledExecutorService background) {
        this.options = options;
        this.path = path;
        this.progress = progress;
        this.source = source;
        this.background = background;
        this.lastSeenLsn = progress.lastLsn();
    }

    /** Looks after a group that was just put into the buffer. */
    void appended(WritePath.Taken taken) {
        if (taken.isDueToPrepare()) {
            source.prepareAhead();
        }
        if (taken.ticket() != null) {
            drive();
        } else if (taken.isDueToWrite()) {
            run(this::write);
        }
        scheduleTick();
    }

    /** Sees to it that a ticket is served. */
    void ticketGiven() {
        drive();
    }

    /** Makes room at the next tick, for a caller who does not wait for it. */
    void roomWanted(WritePath.Work makeRoom) {
        wanted.set(makeRoom);
        scheduleTick();
    }

    /** Looks after what was just synced. */
    void synced() {
        scheduleTick();
    }

    @SuppressWarnings("FutureReturnValueIgnored") // What fails is kept by the write path.
    private void scheduleTick() {
        if (!isTickScheduled.get() && isTickScheduled.compareAndSet(false, true)) {
            try {
                background.schedule(this::tick, Deadline.toNanos(options.flushInterval()), TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException e) {
                // The log is being closed, which writes everything.
                isTickScheduled.set(false);
            }
        }
    }

    /** Once in a flush interval while there is activity, and once after it. */
    void tick() {
        isTickScheduled.set(false);
        long lastLsn = progress.lastLsn();
        if (progress.writtenLsn() < lastLsn) {
            write();
        }
        makeWantedRoom();
        boolean isIdle = lastLsn == lastSeenLsn && !path.markWhenIdle();
        if (!isIdle) {
            lastSeenLsn = lastLsn;
            scheduleTick();
        }
    }

    /** A failure is told to everybody who appends; a lack of space is tried again when somebody wants room again. */
    private void makeWantedRoom() {
        var work = wanted.getAndSet(null);
        if (work != null) {
            try {
                work.run();
            } catch (IOException e) {
                return;
            }
        }
    }

    private void write() {
        commit(progress.lastLsn(), Durability.WRITTEN);
    }

    /** A failure is kept by the write path and told to everybody who calls. */
    private boolean commit(long lsn, Durability level) {
        try {
            path.commit(lsn, level);
            return true;
        } catch (WalException e) {
            return false;
        }
    }

    private void drive() {
        if (isDriving.compareAndSet(false, true)) {
            run(this::commitForTickets);
        }
    }

    private void commitForTickets() {
        boolean goesOn = true;
        try {
            while (goesOn && hasTickets()) {
                long written = progress.ticketLsn(Durability.WRITTEN);
                long synced = progress.ticketLsn(Durability.SYNCED);
                goesOn = (written == 0 || commit(written, Durability.WRITTEN))
                        && (synced == 0 || commit(synced, Durability.SYNCED));
            }
        } finally {
            isDriving.set(false);
        }
        if (goesOn && hasTickets()) {
            // One was given between the last look and the flag.
            drive();
        }
    }

    private boolean hasTickets() {
        return progress.ticketLsn(Durability.WRITTEN) != 0 || progress.ticketLsn(Durability.SYNCED) != 0;
    }

    private void run(Runnable task) {
        try {
            background.execute(task);
        } catch (RejectedExecutionException e) {
            // The log is being closed, which commits everything.
            return;
        }
    }

    /**
     * Lets the background do work that may block, and waits for it as long as there is time. When the time is over the work
     * goes on.
     *
     * @param acceptedLsn what to tell if the time runs out
     */
    void within(Deadline deadline, long acceptedLsn, WritePath.Work work) throws IOException {
        boolean wasInterrupted = false;
        try {
            Future<?> done = null;
            while (true) {
                try {
                    done = done == null ? submit(deadline, acceptedLsn, work) : done;
                    done.get(deadline.nanosLeft(), TimeUnit.NANOSECONDS);
                    return;
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
        } catch (TimeoutException e) {
            throw deadline.passed(acceptedLsn);
        } catch (CancellationException e) {
            throw new WalClosedException();
        } catch (ExecutionException e) {
            throw rethrown(e);
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** As much work as there are permits may be queued or running, whatever became of those who asked for it. */
    private Future<?> submit(Deadline deadline, long acceptedLsn, WritePath.Work work)
            throws WalException, InterruptedException {
        if (!permits.tryAcquire(deadline.nanosLeft(), TimeUnit.NANOSECONDS)) {
            throw deadline.passed(acceptedLsn);
        }
        boolean isSubmitted = false;
        try {
            var done = background.submit(() -> {
                try {
                    work.run();
                } finally {
                    permits.release();
                }
                return null;
            });
            isSubmitted = true;
            return done;
        } catch (RejectedExecutionException e) {
            throw new WalClosedException();
        } finally {
            if (!isSubmitted) {
                permits.release();
            }
        }
    }

    private static IOException rethrown(ExecutionException e) {
        var cause = e.getCause();
        if (cause instanceof RuntimeException runtime) {
            throw runtime;
        }
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof IOException io ? io : new IOException(cause);
    }
}
