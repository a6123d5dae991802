package dev.kwal;

import dev.kwal.storage.SegmentWriter;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.util.UUID;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Prepares segments: ahead in the background, or at once when one is needed and none is ready.
 *
 * <p>Always: at most one segment is prepared and not taken. A failure is kept until a later try succeeds, and is tried again
 * in the background; nothing else is affected by it. Thread-safe.
 */
final class SegmentSource {
    private static final long RETRY_MILLIS = 1000;
    private static final long SMALL_BYTES = 1 << 20;

    private final WalStore store;
    private final ScheduledExecutorService background;
    private final long expectedBytes;
    private final Observers observers;
    private final Quota quota;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition prepared = lock.newCondition();
    private final SegmentHeader anyHeader;

    private long nextSequence;
    private boolean isQueued;
    private boolean isPreparing;
    private boolean isRetryScheduled;
    private boolean isClosed;
    private @Nullable Prepared ready;
    private volatile @Nullable IOException failure;

    /** How long a segment is expected to become. */
    enum Size {
        /** As long as the options say. */
        FULL,
        /** Unknown: the first of a log, or after opening. A log that stays small shall take little space. */
        SMALL,
        /** As short as can be: it is needed in order to free space, or to save what is there. */
        URGENT
    }

    /** A segment with a header and nothing else. */
    record Prepared(SegmentHeader header, SegmentWriter writer) {}

    SegmentSource(
            WalStore store,
            ScheduledExecutorService background,
            SegmentHeader anyHeader,
            long nextSequence,
            long expectedBytes,
            Observers observers,
            Quota quota) {
        this.quota = quota;
        this.observers = observers;
        this.store = store;
        this.background = background;
        this.anyHeader = anyHeader;
        this.nextSequence = nextSequence;
        this.expectedBytes = expectedBytes;
    }

    UUID logId() {
        return anyHeader.logId();
    }

    /** Whether a segment can be taken without preparing one. */
    boolean isReady() {
        lock.lock();
        try {
            return ready != null;
        } finally {
            lock.unlock();
        }
    }

    /** Why the last try failed; null if it did not. */
    @Nullable
    IOException failure() {
        return failure;
    }

    /** Begins to prepare a segment in the background, unless one is ready or on its way. */
    void prepareAhead() {
        lock.lock();
        try {
            if (ready == null && !isQueued && !isPreparing && !isClosed) {
                background.execute(this::prepareInBackground);
                isQueued = true;
            }
        } finally {
            lock.unlock();
        }
    }

    private void prepareInBackground() {
        if (!begin()) {
            return;
        }
        Prepared made = null;
        try {
            quota.checkAhead();
            made = create(expectedBytes);
        } catch (IOException e) {
            fail(e);
        } finally {
            settle(made);
        }
    }

    /** Whether the queued work is still wanted. */
    private boolean begin() {
        lock.lock();
        try {
            boolean isWanted = isQueued && !isPreparing && !isClosed;
            isQueued = false;
            isPreparing |= isWanted;
            return isWanted;
        } finally {
            lock.unlock();
        }
    }

    private void settle(@Nullable Prepared made) {
        lock.lock();
        try {
            isPreparing = false;
            if (made != null) {
                ready = made;
                healed();
            } else {
                retryLater();
            }
            prepared.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // What fails is kept as the failure.
    private void retryLater() {
        if (!isClosed && !isRetryScheduled) {
            isRetryScheduled = true;
            background.schedule(this::retry, RETRY_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private void retry() {
        lock.lock();
        try {
            isRetryScheduled = false;
        } finally {
            lock.unlock();
        }
        prepareAhead();
    }

    /**
     * A prepared segment. Waits for the one on its way, or prepares one now.
     *
     * @param size how long it is expected to become
     * @throws WalNoSpaceException if none can be prepared
     */
    Prepared take(Size size) throws WalNoSpaceException {
        lock.lock();
        try {
            while (isPreparing) {
                prepared.awaitUninterruptibly();
            }
            // What is queued and not begun is done here and now.
            isQueued = false;
            var taken = ready;
            ready = null;
            if (taken == null) {
                taken = create(bytes(size));
                healed();
            }
            return taken;
        } catch (IOException e) {
            fail(e);
            retryLater();
            throw new WalNoSpaceException(e);
        } finally {
            lock.unlock();
        }
    }

    private long bytes(Size size) {
        return switch (size) {
            case FULL -> expectedBytes;
            case SMALL -> Math.min(SMALL_BYTES, expectedBytes);
            case URGENT -> 0;
        };
    }

    /** One at a time: by the background while {@code isPreparing}, or under the lock. */
    private Prepared create(long bytes) throws IOException {
        long sequence = nextSequence;
        if (sequence < 1) {
            throw new IOException("all sequences are used up, the last is " + Long.MAX_VALUE);
        }
        var header = anyHeader.successor(sequence);
        var writer = store.create(sequence, Format.encodeHeader(header), bytes);
        nextSequence = sequence + 1;
        return new Prepared(header, writer);
    }

    /** Gives back a segment that could not be filled. If it cannot be deleted it stays, and is never in effect. */
    void discard(Prepared unused, IOException why) {
        try {
            unused.writer().close();
        } catch (IOException e) {
            why.addSuppressed(e);
        }
        if (WorthlessSegment.delete(store, unused.header().sequence())) {
            giveBack(unused.header().sequence());
        }
        failed(why);
    }

    /** Sequences have no gap behind the segment that is in effect. */
    private void giveBack(long sequence) {
        lock.lock();
        try {
            if (sequence == nextSequence - 1) {
                nextSequence = sequence;
            }
        } finally {
            lock.unlock();
        }
    }

    private void fail(IOException why) {
        failure = why;
        observers.changed();
    }

    private void healed() {
        if (failure != null) {
            failure = null;
            observers.changed();
        }
    }

    /** Keeps a failure to prepare that happened elsewhere. */
    void failed(IOException why) {
        fail(why);
        lock.lock();
        try {
            retryLater();
        } finally {
            lock.unlock();
        }
    }

    /** Deletes what was prepared and not taken, and prepares no more. */
    void close() throws IOException {
        lock.lock();
        try {
            isClosed = true;
            while (isPreparing) {
                prepared.awaitUninterruptibly();
            }
            var unused = ready;
            ready = null;
            if (unused != null) {
                unused.writer().close();
                store.delete(unused.header().sequence());
            }
        } finally {
            lock.unlock();
        }
    }
}
