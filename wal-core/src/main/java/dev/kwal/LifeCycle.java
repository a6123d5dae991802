package dev.kwal;

import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;

/** Has operations on whole segments, and on what is kept beside them, done one at a time. Thread-safe. */
final class LifeCycle {
    private final ReentrantLock lock = new ReentrantLock();
    private final Progress progress;
    private final Observers observers;

    LifeCycle(Progress progress, Observers observers) {
        this.progress = progress;
        this.observers = observers;
    }

    /**
     * Does one, unless the log has failed or is closed.
     *
     * @throws WalException if it has, or is
     */
    void whole(WritePath.Work work) throws IOException {
        lock.lock();
        try {
            progress.checkUsable();
            work.run();
        } finally {
            lock.unlock();
            observers.changed();
        }
    }

    /** Does one that ends the log. */
    void last(WritePath.Work work) throws IOException {
        lock.lock();
        try {
            work.run();
        } finally {
            lock.unlock();
        }
    }
}
