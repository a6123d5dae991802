package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;

/** Everything that decides how long records stay, and those who hear of it. Thread-safe. */
final class Retaining implements AutoCloseable {
    private final WalStore store;
    private final Succession succession;
    private final Progress progress;
    private final ScheduledExecutorService background;
    private final Listening listening;
    private final Dropping dropping;
    private final Keeper keeper;
    private final Rounds rounds;
    private final Archivers archivers = new Archivers();
    private final AtomicBoolean hasFailed = new AtomicBoolean();

    Retaining(
            WalOptions options,
            WalStore store,
            Opening opening,
            LifeCycle lifeCycle,
            ScheduledExecutorService background,
            InstantSource clock) {
        this.store = store;
        this.succession = opening.succession();
        this.progress = opening.progress();
        this.background = background;
        this.listening = new Listening(options.listener());
        this.dropping = new Dropping(options.retention(), opening, lifeCycle, listening, clock);
        this.keeper = new Keeper(store.capabilities(), opening, lifeCycle, dropping);
        this.rounds = new Rounds(options.retention(), opening, lifeCycle, dropping, background, clock);
        succession.onSealed(this::sealed);
        watchFlushes(opening.path());
        if (listening.isUsed()) {
            listening.tell(listener -> listener.recovered(opening.report()));
            opening.observers().add(this::tellFailure);
        }
        rounds.queue();
    }

    private void watchFlushes(WritePath path) {
        var limit = listening.slowFlushLimit();
        if (!limit.isZero()) {
            path.count(meter -> meter.watchBy(new FlushWatch(limit, meter, progress, background, this::slowFlush)));
        }
    }

    private void slowFlush(Duration running) {
        listening.tell(listener -> listener.slowFlush(running));
    }

    Dropping dropping() {
        return dropping;
    }

    Keeper keeper() {
        return keeper;
    }

    /** Copies segments from now on. */
    WalArchiver archive(String name, SegmentArchive archive) throws IOException {
        var archiver = archivers.add(
                name, () -> new WalArchiver(store, succession, keeper.pin(name, null), archive, background, archivers));
        archiver.wake();
        return archiver;
    }

    /** By exclusive work of the write path. */
    private void sealed(SegmentInfo segment) {
        listening.tell(listener -> listener.sealed(segment));
        archivers.wake();
        rounds.queue();
    }

    private void tellFailure() {
        var failure = progress.failure();
        if (failure != null && hasFailed.compareAndSet(false, true)) {
            listening.tell(listener -> listener.failed(failure));
        }
    }

    /** Tells what has happened up to now, and nothing more. */
    @Override
    public void close() {
        archivers.close();
        tellFailure();
        listening.close();
    }
}
