package dev.kwal;

import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The threads of a log: daemons that end when there is nothing to do. */
final class Background {
    private static final int THREADS = 2;
    private static final long KEEP_ALIVE_SECONDS = 5;
    private static final AtomicInteger COUNT = new AtomicInteger();

    private Background() {}

    static ScheduledExecutorService start() {
        var executor = new ScheduledThreadPoolExecutor(THREADS, task -> {
            var thread = new Thread(task, "kwal-" + COUNT.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        executor.setRemoveOnCancelPolicy(true);
        executor.setKeepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS);
        executor.allowCoreThreadTimeOut(true);
        return executor;
    }
}
