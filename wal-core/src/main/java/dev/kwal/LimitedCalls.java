package dev.kwal;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Has work that may block done elsewhere, for callers whose time is limited. When the time is over the work goes on.
 *
 * <p>Always: an interrupt ends nothing and is kept. Thread-safe.
 */
final class LimitedCalls {
    private final ExecutorService executor;
    private final Semaphore permits = new Semaphore(Background.MAX_CALLS);

    LimitedCalls(ExecutorService executor) {
        this.executor = executor;
    }

    /**
     * Does the work and waits for it as long as there is time.
     *
     * @param outcome what to tell if the time runs out
     * @throws WalTimeoutException if it did
     * @throws IOException as the work does
     */
    void within(Deadline deadline, String outcome, WritePath.Work work) throws IOException {
        boolean wasInterrupted = false;
        boolean hasPermit = false;
        try {
            while (!hasPermit) {
                try {
                    hasPermit = permits.tryAcquire(deadline.nanosLeft(), TimeUnit.NANOSECONDS);
                    if (!hasPermit) {
                        throw deadline.passed(0, outcome);
                    }
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
        await(submitWithPermit(work), deadline, outcome);
    }

    /** The permit is given back when the work is done, whatever became of those who asked for it. */
    private Future<?> submitWithPermit(WritePath.Work work) throws WalClosedException {
        Future<?> done = null;
        try {
            done = submit(() -> {
                try {
                    work.run();
                } finally {
                    permits.release();
                }
            });
            return done;
        } finally {
            if (done == null) {
                permits.release();
            }
        }
    }

    /**
     * Begins work that is to be done once, such as closing: more of it than one at a time may be refused.
     *
     * @throws WalClosedException if the log is closed already
     */
    Future<?> submit(WritePath.Work work) throws WalClosedException {
        try {
            return executor.submit(() -> {
                work.run();
                return null;
            });
        } catch (RejectedExecutionException e) {
            throw new WalClosedException();
        }
    }

    /**
     * Waits for work as long as there is time.
     *
     * @param outcome what to tell if the time runs out
     * @throws WalTimeoutException if it did
     * @throws IOException as the work does
     */
    void await(Future<?> done, Deadline deadline, String outcome) throws IOException {
        boolean wasInterrupted = false;
        try {
            while (true) {
                try {
                    done.get(deadline.nanosLeft(), TimeUnit.NANOSECONDS);
                    return;
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
        } catch (TimeoutException e) {
            throw deadline.passed(0, outcome);
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
