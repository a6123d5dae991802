package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Copies each segment that is complete to a {@link SegmentArchive}, oldest first, and holds it by a {@link WalPin} until then,
 * across restarts. {@link Wal#archive} starts one.
 *
 * <p>Always: one segment at a time, on a thread of its own. After an exception it tries again a second later, for ever;
 * {@link #failure()} tells. Thread-safe.
 */
public final class WalArchiver implements Closeable {
    private static final long RETRY_MILLIS = 1000;

    private final WalStore store;
    private final Succession succession;
    private final WalPin pin;
    private final SegmentArchive archive;
    private final ScheduledExecutorService background;
    private final ThreadPoolExecutor executor = Background.single();
    private final AtomicBoolean isQueued = new AtomicBoolean();
    private final Runnable onClose;

    private long lastSequence;
    private volatile boolean isClosed;
    private volatile @Nullable Throwable failure;

    WalArchiver(
            WalStore store,
            Succession succession,
            WalPin pin,
            SegmentArchive archive,
            ScheduledExecutorService background,
            Archivers archivers) {
        this.store = store;
        this.succession = succession;
        this.pin = pin;
        this.archive = archive;
        this.background = background;
        this.onClose = () -> archivers.remove(this);
    }

    /**
     * What it holds the segments by. Its {@linkplain WalPin#lag() lag} is what a loss of the log would lose of the archive; it
     * counts the segment being written, too.
     */
    public WalPin pin() {
        return pin;
    }

    /** Why the last try failed; null if it did not. */
    @Nullable
    public Throwable failure() {
        return failure;
    }

    /** Looks for segments to copy, soon. */
    void wake() {
        if (isClosed || !isQueued.compareAndSet(false, true)) {
            return;
        }
        try {
            executor.execute(this::copyAll);
        } catch (RejectedExecutionException e) {
            // It is closed.
            return;
        }
    }

    private void copyAll() {
        isQueued.set(false);
        try {
            boolean isMore = true;
            while (isMore && !isClosed) {
                long epoch = pin.epoch();
                var next = next();
                if (next != null) {
                    copy(next, epoch);
                }
                isMore = next != null;
            }
            failure = null;
        } catch (WalGoneException | WalClosedException | WalFailedException e) {
            // The pin was dropped, or the log has ended: there is nothing to try again.
            failure = e;
        } catch (Throwable t) {
            retryLater();
            failure = t;
        }
    }

    /** The oldest complete segment that is not copied; one without records only while it still has its place. */
    private @Nullable Segment next() throws IOException {
        long lsn = pin.lsn();
        List<Segment> segments = succession.chain().segments();
        for (var segment : segments.subList(0, Math.max(0, segments.size() - 1))) {
            boolean isEmpty = segment.lastLsn() < segment.baseLsn();
            if (segment.lastLsn() > lsn || (isEmpty && segment.baseLsn() > lsn && segment.sequence() > lastSequence)) {
                return segment;
            }
        }
        return null;
    }

    /** What a truncation gave up meanwhile may have another in its place, which is to be copied as well. */
    private void copy(Segment segment, long epoch) throws IOException {
        try (var bytes = new SegmentInput(store.open(segment.sequence()), segment.endPosition())) {
            archive.archive(segment.info(), bytes);
        }
        if (pin.advance(Math.max(pin.lsn(), segment.lastLsn()), epoch)) {
            lastSequence = segment.sequence();
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // It only wakes this.
    private void retryLater() {
        try {
            background.schedule(this::wake, RETRY_MILLIS, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // The log is closed.
            return;
        }
    }

    /** Copies no more; what is being copied ends. The pin stays, and holds what is not copied. Idempotent. */
    @Override
    public void close() {
        isClosed = true;
        onClose.run();
        executor.shutdown();
    }
}
