package dev.kwal;

import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What a log does in the background: hands buffered records to the operating system in time, notes what is durable when it
 * is idle, prepares segments ahead, and commits for tickets and for callers whose time is limited.
 *
 * <p>Thread-safe. Nothing is scheduled while the log is idle.
 */
final class Chores {
    private final WalOptions options;
    private final WritePath path;
    private final Progress progress;
    private final SegmentSource source;
    private final ScheduledExecutorService background;
    private final Driver writes;
    private final Driver syncs;
    private final AtomicBoolean isTickScheduled = new AtomicBoolean();
    private final AtomicReference<WritePath.@Nullable Work> wanted = new AtomicReference<>();
    private volatile long lastSeenLsn;

    Chores(
            WalOptions options,
            WritePath path,
            Progress progress,
            SegmentSource source,
            ScheduledExecutorService background) {
        this.options = options;
        this.path = path;
        this.progress = progress;
        this.source = source;
        this.background = background;
        this.lastSeenLsn = progress.lastLsn();
        this.writes = new Driver(Durability.WRITTEN, path, progress, background, path.terms()::isDueToWrite);
        this.syncs = new Driver(Durability.SYNCED, path, progress, background, () -> false);
    }

    /** Looks after what was just put into the buffer. */
    void appended(@Nullable Durability ticketLevel) {
        if (path.terms().isDueToPrepare()) {
            source.prepareAhead();
        }
        if (ticketLevel != null) {
            driver(ticketLevel).drive();
        } else if (path.terms().isDueToWrite() && !writes.isDriving()) {
            // While it is driving, it looks itself before it ends.
            writes.demand(progress.lastLsn());
        }
        scheduleTick();
    }

    /** Brings records to a level for those who do not do it themselves. */
    Driver driver(Durability level) {
        return level == Durability.SYNCED ? syncs : writes;
    }

    /** Makes room at the next tick, for a caller who does not wait for it. */
    void roomWanted(WritePath.Work makeRoom) {
        wanted.set(makeRoom);
        scheduleTick();
    }

    /** Looks after what was just synced. */
    void synced() {
        scheduleTick();
    }

    @SuppressWarnings("FutureReturnValueIgnored") // What fails is kept by the write path.
    private void scheduleTick() {
        if (!isTickScheduled.get() && isTickScheduled.compareAndSet(false, true)) {
            try {
                background.schedule(this::tick, Deadline.toNanos(options.flushInterval()), TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException e) {
                // The log is being closed, which writes everything.
                isTickScheduled.set(false);
            }
        }
    }

    /** Once in a flush interval while there is activity, and once after it. */
    void tick() {
        isTickScheduled.set(false);
        long lastLsn = progress.lastLsn();
        if (progress.writtenLsn() < lastLsn) {
            write();
        }
        makeWantedRoom();
        boolean isIdle = lastLsn == lastSeenLsn && !path.markWhenIdle();
        if (!isIdle) {
            lastSeenLsn = lastLsn;
            scheduleTick();
        }
    }

    /** A failure is told to everybody who appends; a lack of space is tried again when somebody wants room again. */
    private void makeWantedRoom() {
        var work = wanted.getAndSet(null);
        if (work != null) {
            try {
                work.run();
            } catch (IOException e) {
                return;
            }
        }
    }

    /** A failure is kept by the write path and told to everybody who calls. */
    private void write() {
        try {
            path.commit(progress.lastLsn(), Durability.WRITTEN);
        } catch (WalException e) {
            return;
        }
    }
}
