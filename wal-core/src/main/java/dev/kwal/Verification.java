package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Checks every record of complete segments, several at a time where there are processors and enough to read.
 *
 * <p>Always: of several that are damaged the oldest is told, whoever was faster.
 */
final class Verification {
    /** What one thread has read before others would have begun. */
    private static final long MIN_BYTES = 4 << 20;

    private final WalStore store;
    private final WalOptions options;
    private final List<Segment> segments;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger failedBefore;
    private final AtomicLong scannedBytes = new AtomicLong();
    private final AtomicReferenceArray<@Nullable Throwable> failures;

    private Verification(WalStore store, WalOptions options, List<Segment> segments) {
        this.store = store;
        this.options = options.withReadAhead(false);
        this.segments = segments;
        this.failedBefore = new AtomicInteger(segments.size());
        this.failures = new AtomicReferenceArray<>(segments.size());
    }

    /**
     * Checks segments that are complete.
     *
     * @return how many bytes were checked
     * @throws WalCorruptedException for the oldest that is damaged
     */
    static long run(WalStore store, WalOptions options, List<Segment> segments) throws IOException {
        long bytes = segments.stream().mapToLong(Segment::endPosition).sum();
        var verification = new Verification(store, options, segments);
        verification.run(options.readAhead() && bytes >= MIN_BYTES ? ReadAhead.PROCESSORS - 1 : 0);
        return verification.scannedBytes.get();
    }

    private void run(int helpers) throws IOException {
        var done = new CountDownLatch(helpers);
        for (int started = 0; started < helpers; started++) {
            try {
                ReadAhead.THREADS.execute(() -> {
                    try {
                        verifyAll();
                    } finally {
                        done.countDown();
                    }
                });
            } catch (RejectedExecutionException | OutOfMemoryError e) {
                // The others do it all.
                done.countDown();
            }
        }
        verifyAll();
        awaitUninterruptibly(done);
        for (int at = 0; at < segments.size(); at++) {
            rethrow(failures.get(at));
        }
    }

    /** Takes one segment after the other, of those before the oldest that failed. */
    private void verifyAll() {
        for (int at = next.getAndIncrement(); at < failedBefore.get(); at = next.getAndIncrement()) {
            try {
                verify(segments.get(at));
            } catch (Throwable t) {
                failures.set(at, t);
                failedBefore.accumulateAndGet(at, Math::min);
            }
        }
    }

    private void verify(Segment segment) throws IOException {
        try (var scan = new TailScan(store.open(segment.sequence()), segment.header(), segment.open(), options)) {
            scan.advanceTo(segment.endPosition());
            scannedBytes.addAndGet(scan.scannedBytes());
            if (scan.stopPosition() != segment.endPosition() || scan.lastSeenLsn() != segment.lastLsn()) {
                throw new WalCorruptedException(
                        segment.sequence(), scan.stopPosition(), scan.lastLsn() + 1, scan.problem());
            }
        }
    }

    private static void awaitUninterruptibly(CountDownLatch done) {
        boolean wasInterrupted = false;
        while (true) {
            try {
                done.await();
                break;
            } catch (InterruptedException e) {
                wasInterrupted = true;
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void rethrow(@Nullable Throwable thrown) throws IOException {
        if (thrown instanceof IOException e) {
            throw e;
        }
        if (thrown instanceof RuntimeException e) {
            throw e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
    }
}
