package dev.kwal;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Tickets whose records have not reached their level yet, in LSN order for each level. Guarded by the lock of the write path;
 * completes each ticket in a task of its own, so that one whose continuation blocks holds up no other.
 */
final class Waiters {
    static final int MAX_COUNT = 1 << 16;

    private final Executor executor;
    private final Deque<Waiter> written = new ArrayDeque<>();
    private final Deque<Waiter> synced = new ArrayDeque<>();

    private record Waiter(long lsn, CompletableFuture<Long> reached) {}

    Waiters(Executor executor) {
        this.executor = executor;
    }

    boolean hasRoom() {
        return count() < MAX_COUNT;
    }

    int count() {
        return written.size() + synced.size();
    }

    boolean isEmpty() {
        return written.isEmpty() && synced.isEmpty();
    }

    /** The highest LSN that somebody waits for at a level; 0 if nobody does. */
    long highestLsn(Durability level) {
        var last = (level == Durability.SYNCED ? synced : written).peekLast();
        return last == null ? 0 : last.lsn();
    }

    CompletableFuture<Long> add(long lsn, Durability level) {
        var reached = new CompletableFuture<Long>();
        (level == Durability.SYNCED ? synced : written).add(new Waiter(lsn, reached));
        return reached;
    }

    /** Completes what has been reached. */
    void reached(long writtenLsn, long durableLsn) {
        complete(written, writtenLsn);
        complete(synced, durableLsn);
    }

    private void complete(Deque<Waiter> waiters, long lsn) {
        for (var waiter = waiters.peek(); waiter != null && waiter.lsn() <= lsn; waiter = waiters.peek()) {
            waiters.remove();
            var done = waiter;
            executor.execute(() -> done.reached().complete(done.lsn()));
        }
    }

    /** Completes everything that is left exceptionally. */
    void fail(WalException why) {
        for (var waiter : written) {
            executor.execute(() -> waiter.reached().completeExceptionally(why));
        }
        for (var waiter : synced) {
            executor.execute(() -> waiter.reached().completeExceptionally(why));
        }
        written.clear();
        synced.clear();
    }
}
