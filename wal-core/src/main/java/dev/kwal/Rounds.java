package dev.kwal;

import java.io.IOException;
import java.time.InstantSource;
import java.util.TreeMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Has the log drop in the background what its retention gives up: when it is opened, when a segment was sealed, and when the
 * oldest has reached its age.
 *
 * <p>Always: at most one round is queued, and one timer set. What fails is tried again by the next round, and told by the next
 * checkpoint. Thread-safe.
 */
final class Rounds {
    /** What is held back is looked at again, and not all the time. */
    private static final long MIN_MILLIS = 1000;

    private final Retention retention;
    private final Pins pins;
    private final Progress progress;
    private final Succession succession;
    private final LifeCycle lifeCycle;
    private final Dropping dropping;
    private final ScheduledExecutorService background;
    private final InstantSource clock;
    private final AtomicBoolean isQueued = new AtomicBoolean();
    private final AtomicBoolean isTimerSet = new AtomicBoolean();

    Rounds(
            Retention retention,
            Opening opening,
            LifeCycle lifeCycle,
            Dropping dropping,
            ScheduledExecutorService background,
            InstantSource clock) {
        this.retention = retention;
        this.pins = opening.pins();
        this.progress = opening.progress();
        this.succession = opening.succession();
        this.lifeCycle = lifeCycle;
        this.dropping = dropping;
        this.background = background;
        this.clock = clock;
    }

    /** Queues one, if the log drops anything by itself. */
    void queue() {
        if (!retention.drops() || !isQueued.compareAndSet(false, true)) {
            return;
        }
        try {
            background.execute(this::round);
        } catch (RejectedExecutionException e) {
            // The log is being closed.
            return;
        }
    }

    private void round() {
        isQueued.set(false);
        try {
            noteSealsNow();
            dropping.dropDroppable();
        } catch (IOException e) {
            return;
        } finally {
            setTimer();
        }
    }

    /** Where it cannot be noted what was sealed, as on a full disk, what was noted before can be dropped all the same. */
    private void noteSealsNow() {
        try {
            if (retention.hasAge()) {
                lifeCycle.whole(this::noteSeals);
            }
        } catch (IOException e) {
            return;
        }
    }

    /** A segment that was sealed while nobody looked gets the present time: it stays longer rather than too short. */
    private void noteSeals() throws IOException {
        var noted = pins.table().seals();
        long now = Math.max(
                clock.millis(),
                noted.values().stream().mapToLong(Long::longValue).max().orElse(0));
        var seals = new TreeMap<Long, Long>();
        var segments = succession.chain().segments();
        for (var segment : segments.subList(0, Math.max(0, segments.size() - 1))) {
            seals.put(segment.sequence(), noted.getOrDefault(segment.sequence(), now));
        }
        pins.change(pins.table().withSeals(seals), progress.epoch());
    }

    @SuppressWarnings("FutureReturnValueIgnored") // It only queues a round.
    private void setTimer() {
        var oldest = pins.table().seals().values().stream()
                .mapToLong(Long::longValue)
                .min();
        if (!retention.hasAge() || oldest.isEmpty() || !isTimerSet.compareAndSet(false, true)) {
            return;
        }
        long millis = Math.max(MIN_MILLIS, oldest.getAsLong() + retention.ageMillis() - clock.millis());
        try {
            background.schedule(this::timeIsUp, millis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // The log is being closed.
            return;
        }
    }

    private void timeIsUp() {
        isTimerSet.set(false);
        queue();
    }
}
