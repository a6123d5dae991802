package dev.kwal;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads of a log: daemons that end when there is nothing to do.
 *
 * @param chores the log's own work: a thread each for ticking, preparing segments, writing, syncing and watching, so that a medium that
 *     hangs in one of them does not keep the others from what is still possible
 * @param calls works for callers whose time is limited; at most {@link #MAX_CALLS} at a time, and one more to close
 */
record Background(ScheduledExecutorService chores, ExecutorService calls) {
    static final int MAX_CALLS = 64;

    private static final int CHORE_THREADS = 5;
    private static final long KEEP_ALIVE_SECONDS = 5;
    private static final AtomicInteger COUNT = new AtomicInteger();

    static Background start() {
        var chores = new ScheduledThreadPoolExecutor(CHORE_THREADS, Background::thread);
        chores.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        chores.setRemoveOnCancelPolicy(true);
        chores.setKeepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS);
        chores.allowCoreThreadTimeOut(true);
        var calls = new ThreadPoolExecutor(
                0, MAX_CALLS + 1, KEEP_ALIVE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), Background::thread);
        return new Background(chores, calls);
    }

    /** One more thread, for code of callers; ends when it is idle. */
    static ThreadPoolExecutor single() {
        var executor = new ThreadPoolExecutor(
                1, 1, KEEP_ALIVE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), Background::thread);
        executor.allowCoreThreadTimeOut(true);
        return executor;
    }

    /** Threads for short work that need not be done: what more than {@code count} would do at a time is rejected. */
    static ThreadPoolExecutor upTo(int count) {
        return new ThreadPoolExecutor(
                0, count, KEEP_ALIVE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), Background::thread);
    }

    private static Thread thread(Runnable task) {
        var thread = new Thread(task, "kwal-" + COUNT.incrementAndGet());
        thread.setDaemon(true);
        return thread;
    }

    void shutdown() {
        chores.shutdown();
        calls.shutdown();
    }
}
