package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Reads records one after the other, from segment to segment along the chain.
 *
 * <p>Always: delivers {@code nextLsn} or nothing, and never a record behind what the view allows. One thread.
 */
final class LogCursor extends FrameCursor {
    private static final long FOREVER_NANOS = TimeUnit.DAYS.toNanos(36500);

    private final WalStore store;
    private final WalOptions options;
    private final LogView view;
    private final Durability level;
    private final boolean follows;
    private final int blockBytes;

    private long nextLsn;
    private long untilLsn;
    private long epoch;
    private SegmentChain seenChain;
    private @Nullable FrameScanner closedScanner;
    private @Nullable Segment segment;

    LogCursor(
            WalStore store,
            WalOptions options,
            LogView view,
            long fromLsn,
            long untilLsn,
            Durability level,
            boolean follows,
            int blockBytes) {
        this.store = store;
        this.options = options;
        this.view = view;
        this.nextLsn = fromLsn;
        this.untilLsn = untilLsn;
        this.level = level;
        this.follows = follows;
        this.blockBytes = blockBytes;
        this.seenChain = view.chain();
        this.epoch = seenChain.truncations();
    }

    @Override
    public boolean next() throws IOException {
        return nextChecked() || next(FOREVER_NANOS);
    }

    @Override
    public boolean next(Duration timeout) throws IOException {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout is " + timeout + ", expected 0 or more");
        }
        return nextChecked() || next(Deadline.toNanos(timeout));
    }

    private boolean next(long nanos) throws IOException {
        beginStep();
        boolean isWaiting = false;
        long end = 0;
        while (true) {
            checkEpoch();
            if (nextLsn > untilLsn) {
                return false;
            }
            if (nextLsn <= view.readableLsn(level)) {
                if (readNext()) {
                    return true;
                }
                continue;
            }
            if (!isWaiting) {
                // Only where there is something to wait for: asking for the time costs as much as reading a short
                // record.
                isWaiting = true;
                end = System.nanoTime() + nanos;
            }
            if (!awaitMore(end - System.nanoTime())) {
                return false;
            }
        }
    }

    /** What most steps are: nothing has changed, and the next record was checked along with others. */
    private boolean nextChecked() {
        var frames = scanner;
        var current = segment;
        if (frames == null
                || current == null
                || view.chain() != seenChain
                || nextLsn > untilLsn
                || nextLsn > view.readableLsn(level)
                || !frames.nextChecked(nextLsn, current.endPosition())) {
            return false;
        }
        nextLsn++;
        hasCurrent = true;
        return true;
    }

    private boolean awaitMore(long nanos) throws IOException {
        if (!follows) {
            return false;
        }
        if (view.hasEnded()) {
            if (nextLsn <= view.readableLsn(level)) {
                // Became readable before the end.
                return true;
            }
            view.checkNotFailed();
            return false;
        }
        try {
            view.await(nextLsn, level, Math.max(0, nanos));
            return nanos > 0 || nextLsn <= view.readableLsn(level);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            var interrupted = new InterruptedIOException("interrupted while waiting for record " + nextLsn);
            interrupted.initCause(e);
            throw interrupted;
        }
    }

    /** After a truncation: goes on if everything delivered is still there, and ends where the snapshot was cut. */
    private void checkEpoch() throws WalException {
        if (!hasTruncated()) {
            return;
        }
        long now = view.truncations();
        long cut = view.lowestCutSince(epoch);
        if (nextLsn > cut) {
            throw new WalGoneException(
                    nextLsn, "given up by a truncation" + (cut == 1 ? "" : " after LSN " + (cut - 1)));
        }
        if (!follows) {
            untilLsn = Math.min(untilLsn, cut - 1);
        }
        epoch = now;
        leave();
    }

    /** Mostly the chain is the same, and that can be seen at once. */
    private boolean hasTruncated() {
        var now = view.chain();
        if (now != seenChain) {
            if (now.truncations() != epoch) {
                return true;
            }
            seenChain = now;
        }
        return false;
    }

    /** Reads up to the next record. False if the epoch changed on the way. */
    private boolean readNext() throws IOException {
        boolean isFresh = false;
        while (true) {
            var current = enter();
            var frames = scanner;
            if (frames == null) {
                return false;
            }
            var step = frames.position() < current.endPosition() ? frames.next() : FrameScanner.Step.END;
            if (hasTruncated()) {
                return false;
            }
            if (step == FrameScanner.Step.FRAME) {
                isFresh = false;
                if (frames.kind() == Format.RECORD && frames.lsn() >= nextLsn) {
                    if (frames.lsn() != nextLsn) {
                        throwUnlessChanged(current, gap(frames, current));
                        return false;
                    }
                    nextLsn++;
                    hasCurrent = true;
                    return true;
                }
            } else if (!leaveIfElsewhere(current)) {
                if (isFresh) {
                    throwUnlessChanged(current, damage(frames, step, current));
                    return false;
                }
                frames.refresh();
                isFresh = true;
            }
        }
    }

    private WalException gap(FrameScanner frames, Segment current) {
        return new WalCorruptedException(
                current.sequence(),
                frames.framePosition(),
                nextLsn,
                "the frame has LSN " + frames.lsn() + ", expected " + nextLsn);
    }

    /** Whether the next record is, by now, known to be elsewhere, or the segment to be longer or shorter. */
    private boolean leaveIfElsewhere(Segment current) {
        var holder = view.chain().find(nextLsn);
        if (holder != null && holder.sequence() == current.sequence()) {
            boolean isChanged = holder.endPosition() != current.endPosition();
            segment = holder;
            return isChanged;
        }
        leave();
        return true;
    }

    private WalException damage(FrameScanner frames, FrameScanner.Step step, Segment current) {
        if (step == FrameScanner.Step.TOO_LONG) {
            return new WalFormatException(
                    current.sequence(),
                    "record " + nextLsn + " has " + frames.payloadBytesOfTooLong()
                            + " bytes, more than maxRecordBytes");
        }
        return new WalCorruptedException(
                current.sequence(),
                frames.position(),
                nextLsn,
                step == FrameScanner.Step.BAD ? frames.problem() : "the record is missing");
    }

    /**
     * What looks like damage is none if the log has changed meanwhile: the record was dropped or given up, or is elsewhere.
     * Then the cursor has to look again.
     */
    private void throwUnlessChanged(Segment where, WalException damage) throws IOException {
        leave();
        if (nextLsn < view.currentFirstLsn()) {
            throw dropped();
        }
        var holder = view.chain().find(nextLsn);
        if (view.truncations() == epoch
                && holder != null
                && holder.sequence() == where.sequence()
                && holder.endPosition() == where.endPosition()) {
            WalException.note(damage, store);
            throw damage;
        }
    }

    private WalGoneException dropped() {
        return new WalGoneException(nextLsn, "dropped by a checkpoint, the first is " + view.firstLsn());
    }

    /** The segment that the next record is in, opened. */
    private Segment enter() throws IOException {
        if (segment != null) {
            return segment;
        }
        var holder = view.chain().find(nextLsn);
        if (holder == null) {
            throw dropped();
        }
        try {
            var frames = new FrameScanner(
                    store.open(holder.sequence()), holder.header(), options.maxRecordBytes(), blockBytes);
            scanner = frames;
            frames.checkAhead(!follows && options.readAhead());
            if (closedScanner != null) {
                frames.takeBlocksOf(closedScanner);
                closedScanner = null;
            }
            segment = holder;
            if (nextLsn > holder.baseLsn()) {
                frames.seek(startIn(holder));
            }
        } catch (NoSuchFileException e) {
            throwUnlessChanged(
                    holder, new WalCorruptedException(holder.sequence(), 0, nextLsn, "the segment is missing", e));
        }
        return holder;
    }

    private long startIn(Segment holder) throws IOException {
        var index = view.indexOf(holder.sequence());
        if (index == null && holder.isSealed()) {
            try (var reader = store.open(holder.sequence())) {
                var seal = Segment.readSeal(reader, holder.header(), holder.endPosition());
                index = seal == null ? null : seal.index();
            }
        }
        return index == null ? Format.HEADER_BYTES : index.floor(nextLsn, Format.HEADER_BYTES);
    }

    private void leave() {
        segment = null;
        var left = leaveScanner();
        if (left != null) {
            closedScanner = left;
        }
    }
}
