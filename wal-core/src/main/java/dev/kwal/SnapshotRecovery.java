package dev.kwal;

import dev.kwal.storage.SnapshotStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes a state from the newest whole snapshot and the records of the log behind it.
 *
 * <p>A damaged snapshot is passed over if the log goes on from an older one, or has all its records. There is never a gap:
 * what cannot be recovered without one is a {@link WalSnapshotException}. Nothing on disk is changed.
 *
 * <p>Immutable; the {@code with} methods give changed copies. A recovery can be run again.
 */
public final class SnapshotRecovery {
    private static final int PROGRESS_RECORDS = 1024;

    private final WalReader log;
    private final SnapshotStore store;
    private final long untilLsn;
    private final @Nullable Instant untilTime;
    private final Progress progress;

    private SnapshotRecovery(
            WalReader log, SnapshotStore store, long untilLsn, @Nullable Instant untilTime, Progress progress) {
        this.log = log;
        this.store = store;
        this.untilLsn = untilLsn;
        this.untilTime = untilTime;
        this.progress = progress;
    }

    /**
     * A recovery of everything that the log has when it is run.
     *
     * @param log open, for reading at least. Beside an owner who publishes, records can be dropped under it: a
     *     {@link WalGoneException} or {@link WalSnapshotException} is then a reason to run it again
     */
    public static SnapshotRecovery of(WalReader log, SnapshotStore store) {
        return new SnapshotRecovery(log, store, Long.MAX_VALUE, null, (lsn, target) -> {});
    }

    /**
     * The state as it was after a record. Snapshots that contain later records are not used, and the log is not read behind
     * it, so that damage there does not matter.
     *
     * @param untilLsn 0 for the state before the first record; a number behind the last record stands for the last
     */
    public SnapshotRecovery withUntilLsn(long untilLsn) {
        if (untilLsn < 0) {
            throw new IllegalArgumentException("untilLsn is " + untilLsn + ", expected 0 or more");
        }
        return new SnapshotRecovery(log, store, untilLsn, untilTime, progress);
    }

    /**
     * The state as it was at a moment: after the last record that was appended before it or in its millisecond, by {@link
     * WalOptions#clock()}. Otherwise as {@link #withUntilLsn}; if both are given the earlier record counts.
     *
     * <p>Records without a timestamp belong to the next that has one, or, behind the last such, to every moment. If the log has
     * no record of that time any more, there is no state of it either: snapshots do not say when their records were appended.
     */
    public SnapshotRecovery withUntilTime(Instant untilTime) {
        return new SnapshotRecovery(log, store, untilLsn, untilTime, progress);
    }

    /** With somebody who is told how far it is, on the thread that runs it. */
    public SnapshotRecovery withProgress(Progress progress) {
        return new SnapshotRecovery(log, store, untilLsn, untilTime, progress);
    }

    /**
     * Recovers. Each function is called on this thread; what it throws ends the recovery and is passed on as it is.
     *
     * @param init the state before the first record; used if there is no snapshot
     * @param restore makes the state from a snapshot, which was read and checked once before. It is checked again: what is
     *     returned is used only if the second reading was whole, too
     * @param apply applies a record
     * @param <S> the state
     * @throws WalSnapshotException if records are missing between every whole snapshot and the log; if the log, open for
     *     writing, ends before what a snapshot contains or knows nothing of its epoch; or if a snapshot changes or goes while it
     *     is read
     * @throws WalCorruptedException if a record is damaged
     * @throws WalGoneException if a record is dropped meanwhile
     * @throws IOException if the log or a snapshot cannot be read
     */
    public <S> Recovered<S> run(Supplier<S> init, Restore<S> restore, Apply<S> apply) throws IOException {
        var moment = untilTime;
        if (moment != null) {
            long millis = moment.isBefore(Instant.EPOCH) ? -1 : DatedRecords.millis(moment);
            long lastLsn = millis == Long.MAX_VALUE ? log.lastLsn() : new DatedRecords(log).firstSince(millis + 1) - 1;
            if (lastLsn < log.firstLsn() && log.firstLsn() > 1) {
                throw new WalSnapshotException(
                        lastLsn,
                        store + ": what the log has begins with " + log.firstLsn() + ", after " + moment
                                + ", and when the records before it were appended is not known");
            }
            return withUntilLsn(Math.min(untilLsn, lastLsn)).atAnyTime().run(init, restore, apply);
        }
        var passedOver = new ArrayList<WalSnapshotException>();
        long lastLsn = log.lastLsn();
        var snapshot = choose(lastLsn, passedOver);
        long baseLsn = snapshot == null ? 0 : snapshot.lsn();
        long targetLsn = Math.max(baseLsn, Math.min(untilLsn, lastLsn));
        var state = snapshot == null ? init.get() : restored(snapshot, restore);
        progress.reached(baseLsn, targetLsn);
        if (baseLsn < targetLsn) {
            state = replayed(state, baseLsn, targetLsn, apply);
        }
        return new Recovered<>(state, targetLsn, snapshot, targetLsn - baseLsn, List.copyOf(passedOver));
    }

    private SnapshotRecovery atAnyTime() {
        return new SnapshotRecovery(log, store, untilLsn, null, progress);
    }

    /** The newest whole snapshot that the log goes on from; null if the log has everything itself. */
    private @Nullable Snapshot choose(long lastLsn, List<WalSnapshotException> passedOver) throws IOException {
        var headers = new ArrayList<>(SnapshotShelf.headers(store, passedOver));
        headers.removeIf(snapshot -> snapshot.lsn() > untilLsn);
        headers.sort(Comparator.comparingLong(Snapshot::lsn)
                .thenComparingLong(Snapshot::sequence)
                .reversed());
        long firstLsn = log.firstLsn();
        long targetLsn = Math.min(untilLsn, lastLsn);
        long missingLsn = 1;
        for (var snapshot : headers) {
            if (SnapshotShelf.isGivenUp(log, snapshot)) {
                passedOver.add(SnapshotFormat.damage(snapshot.sequence(), "it contains records that were given up"));
                continue;
            }
            requireInLog(snapshot, lastLsn);
            if (snapshot.lsn() + 1 < firstLsn && snapshot.lsn() < targetLsn) {
                missingLsn = snapshot.lsn() + 1;
                break;
            }
            var problem = SnapshotShelf.problem(store, snapshot.sequence());
            if (problem == null) {
                return snapshot;
            }
            passedOver.add(problem);
        }
        if (firstLsn > 1 && targetLsn > 0) {
            throw missing(missingLsn, firstLsn, passedOver);
        }
        return null;
    }

    /** A log of somebody else's, open for reading, may not tell all yet. */
    private void requireInLog(Snapshot snapshot, long lastLsn) throws WalSnapshotException {
        if (!(log instanceof Wal)) {
            return;
        }
        if (snapshot.lsn() > lastLsn) {
            throw new WalSnapshotException(
                    lastLsn + 1,
                    store + ": snapshot " + snapshot.sequence() + " contains records up to " + snapshot.lsn()
                            + ", but the log ends with " + lastLsn);
        }
        if (snapshot.epoch() > log.epoch()) {
            throw new WalSnapshotException(
                    0,
                    store + ": snapshot " + snapshot.sequence() + " is of epoch " + snapshot.epoch()
                            + ", but the log is in " + log.epoch());
        }
    }

    private WalSnapshotException missing(long missingLsn, long firstLsn, List<WalSnapshotException> passedOver) {
        var missing = new WalSnapshotException(
                missingLsn,
                store + ": records " + missingLsn + " to " + (firstLsn - 1)
                        + " are missing: no whole snapshot contains them, and the log begins with " + firstLsn);
        passedOver.forEach(missing::addSuppressed);
        return missing;
    }

    private <S> S restored(Snapshot snapshot, Restore<S> restore) throws IOException {
        try (var source = SnapshotShelf.open(store, snapshot.sequence())) {
            var content = new SnapshotInput(source, snapshot.sequence());
            var state = restore.restore(content);
            content.drain();
            return state;
        }
    }

    private <S> S replayed(S initial, long baseLsn, long targetLsn, Apply<S> apply) throws IOException {
        var state = initial;
        try (var cursor = log.replay(baseLsn + 1)) {
            for (long lsn = baseLsn + 1; lsn <= targetLsn; lsn++) {
                if (!cursor.next()) {
                    throw new WalGoneException(lsn, "the log was cut while it was recovered");
                }
                state = apply.apply(state, lsn, cursor.view());
                if (lsn == targetLsn || (lsn - baseLsn) % PROGRESS_RECORDS == 0) {
                    progress.reached(lsn, targetLsn);
                }
            }
        }
        return state;
    }

    /** Makes a state from the content of a snapshot. */
    @FunctionalInterface
    public interface Restore<S> {

        /**
         * Reads the content.
         *
         * @param content ends where the content that was published ends; need not be read to its end or closed
         * @throws IOException ends the recovery
         */
        S restore(InputStream content) throws IOException;
    }

    /** Applies records to a state. */
    @FunctionalInterface
    public interface Apply<S> {

        /**
         * Applies one record.
         *
         * @param state what the last call returned, or the state to begin with; may be changed and returned
         * @param record from position to limit, read-only; valid during the call
         * @throws IOException ends the recovery
         */
        S apply(S state, long lsn, ByteBuffer record) throws IOException;
    }

    /** Hears how far a recovery is. */
    @FunctionalInterface
    public interface Progress {

        /** The state is that after {@code lsn}: told when it begins, each 1,024 records, and at the end. */
        void reached(long lsn, long targetLsn);
    }

    /**
     * What came back.
     *
     * @param state the state
     * @param lsn the last record whose effect it contains; 0 for none
     * @param snapshot where it began; null if that was with the first record
     * @param records how many records were applied
     * @param passedOver what was wrong with newer snapshots that were not used
     */
    public record Recovered<S>(
            S state, long lsn, @Nullable Snapshot snapshot, long records, List<WalSnapshotException> passedOver) {}
}
