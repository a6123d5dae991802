package dev.kwal;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells the listener of a log, on a thread of its own, and asks it.
 *
 * <p>Always: one call at a time, in order; nobody who tells waits. Thread-safe.
 */
final class Listening implements AutoCloseable {
    private static final int MAX_UNHEARD = 1024;

    private final WalListener listener;
    private final ThreadPoolExecutor executor = Background.single();
    private volatile @Nullable Thread thread;

    Listening(WalListener listener) {
        this.listener = listener;
    }

    /** Whether anybody listens. */
    boolean isUsed() {
        return listener != WalListener.NONE;
    }

    void tell(Consumer<WalListener> event) {
        if (!isUsed() || executor.getQueue().size() >= MAX_UNHEARD) {
            return;
        }
        try {
            executor.execute(() -> {
                thread = Thread.currentThread();
                try {
                    event.accept(listener);
                } catch (Throwable t) {
                    uncaught(t);
                }
            });
        } catch (RejectedExecutionException e) {
            // The log is closed.
            return;
        }
    }

    /** Asks, and waits for the answer. The listener itself, asking on its thread, gets it at once. */
    boolean mayDelete(SegmentInfo segment) {
        if (!isUsed()) {
            return true;
        }
        if (Thread.currentThread() == thread) {
            return answer(segment);
        }
        var answer = new FutureTask<>(() -> {
            thread = Thread.currentThread();
            return answer(segment);
        });
        try {
            executor.execute(answer);
        } catch (RejectedExecutionException e) {
            return false;
        }
        return await(answer);
    }

    /** How long a flush may run; zero if none is to be watched. */
    Duration slowFlushLimit() {
        try {
            var limit = listener.slowFlushLimit();
            return limit.isNegative() ? Duration.ZERO : limit;
        } catch (Throwable t) {
            uncaught(t);
            return Duration.ZERO;
        }
    }

    private boolean answer(SegmentInfo segment) {
        try {
            return listener.mayDelete(segment);
        } catch (Throwable t) {
            uncaught(t);
            return false;
        }
    }

    private static boolean await(FutureTask<Boolean> answer) {
        boolean wasInterrupted = false;
        try {
            while (true) {
                try {
                    return answer.get();
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                } catch (ExecutionException e) {
                    return false;
                }
            }
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static void uncaught(Throwable thrown) {
        var thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, thrown);
    }

    /** Tells what has happened up to now, and gives the thread back. */
    @Override
    public void close() {
        executor.shutdown();
    }
}
