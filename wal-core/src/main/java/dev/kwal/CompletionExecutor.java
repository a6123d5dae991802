package dev.kwal;

import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;

/**
 * Runs code of callers, on the executor that they gave.
 *
 * <p>Always: it returns at once, whatever that executor does, so it may be called under a lock that everybody needs. A task
 * that the executor refuses runs all the same. Thread-safe.
 */
final class CompletionExecutor implements Executor {
    private final Executor given;

    CompletionExecutor(Executor given) {
        this.given = given;
    }

    @Override
    public void execute(Runnable task) {
        var elsewhere = ForkJoinPool.commonPool();
        elsewhere.execute(given == elsewhere ? task : () -> handOver(task));
    }

    private void handOver(Runnable task) {
        try {
            given.execute(task);
        } catch (RuntimeException e) {
            // It is shut down, or broken. Who waits must hear all the same.
            task.run();
        }
    }
}
