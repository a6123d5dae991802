package dev.kwal;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Who wants to hear that the log has changed.
 *
 * <p>Always: one call at a time, on a thread of its own that no code but theirs can block, and one after the last change.
 * Many changes in a row may be one call. Thread-safe.
 */
final class Observers implements AutoCloseable {
    static final int MAX_COUNT = 1024;

    private final ThreadPoolExecutor executor = Background.single();
    private final List<Runnable> observers = new CopyOnWriteArrayList<>();
    private final AtomicInteger untold = new AtomicInteger();

    Observers() {
        executor.setRejectedExecutionHandler(new ThreadPoolExecutor.DiscardPolicy());
    }

    synchronized void add(Runnable observer) {
        if (observers.size() == MAX_COUNT) {
            throw new IllegalStateException("there are " + MAX_COUNT + " observers already");
        }
        observers.add(observer);
    }

    void remove(Runnable observer) {
        observers.remove(observer);
    }

    void changed() {
        if (!observers.isEmpty() && untold.getAndIncrement() == 0) {
            executor.execute(this::tell);
        }
    }

    /** Tells what has changed up to now, and gives the thread back. */
    @Override
    public void close() {
        executor.shutdown();
    }

    private void tell() {
        int told;
        do {
            told = untold.get();
            for (var observer : observers) {
                call(observer);
            }
        } while (untold.addAndGet(-told) != 0);
    }

    /** What one throws is not the business of the others. */
    private static void call(Runnable observer) {
        try {
            observer.run();
        } catch (Throwable t) {
            var thread = Thread.currentThread();
            thread.getUncaughtExceptionHandler().uncaughtException(thread, t);
        }
    }
}
