package dev.kwal;

import dev.kwal.RecoveryTable.Action;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * Puts a log that was analysed into the state to go on from: resumes its last segment, copies what is not proven, deletes
 * what is dead.
 *
 * <p>Every step can be repeated: a crash in between, and the next open does the same.
 */
final class Opening {
    private final WalStore store;
    private final WalOptions options;
    private final Analysis analysis;
    private final List<Long> sequences;
    private final Observers observers;
    private final SegmentSource source;
    private final Progress progress;
    private final WritePath path;
    private final Succession succession;
    private final Pins pins;
    private final RecoveryReport report;

    private long copiedRecords;
    private int deletedSegments;
    private boolean isCopyPending;

    /**
     * Opens. The caller holds the store's lock. A pin tells a last record that must be there, where the store promises to keep
     * it; where it does not, the pin goes back to the last that is.
     */
    static Opening of(WalStore store, WalOptions options, ScheduledExecutorService background, Meter meter)
            throws IOException {
        var pins = Pins.load(store.pins());
        var quota = new Quota(options.retention(), options.segmentBytes(), pins);
        boolean isProof = store.capabilities().survivesPowerLoss();
        long expected = Math.max(options.expectAtLeast(), isProof ? pins.table().highestLsn() : 0);
        var analysis = Analysis.of(store, options.withExpectAtLeast(expected));
        Opening opening = null;
        try {
            opening = new Opening(store, options, background, analysis, pins, quota, meter);
            pins.change(pins.table().cutTo(opening.progress.lastLsn()), opening.progress.epoch());
            return opening;
        } finally {
            if (opening == null || !opening.isCopyPending) {
                analysis.close();
            }
        }
    }

    private Opening(
            WalStore store,
            WalOptions options,
            ScheduledExecutorService background,
            Analysis analysis,
            Pins pins,
            Quota quota,
            Meter meter)
            throws IOException {
        this.pins = pins;
        this.store = store;
        this.options = options;
        this.analysis = analysis;
        this.sequences = new ArrayList<>(analysis.sequences());
        deleteUnused();
        var executor = new CompletionExecutor(options.completionExecutor());
        this.observers = new Observers();
        this.source = new SegmentSource(
                store,
                background,
                headerOfLog(),
                sequences.isEmpty() ? 1 : sequences.get(sequences.size() - 1) + 1,
                ActiveSegment.fullBytes(options.segmentBytes()),
                observers,
                quota);
        meter.identified(source.logId());
        var action = analysis.verdict().action();
        var resumed = action == Action.RESUME ? resume() : null;
        this.progress = new Progress(
                executor,
                observers,
                analysis.epoch(),
                analysis.lastLsn(),
                action == Action.COPY ? analysis.provenDurableLsn() : analysis.lastLsn());
        this.path = new WritePath(options, progress, resumed, LogBuffer::direct, meter);
        this.succession = new Succession(
                store, options, path, progress, source, quota, chain(action, resumed != null), analysis.firstLsn());
        if (resumed != null) {
            path.markResumed();
        }
        if (action == Action.COPY) {
            copy();
        } else if (action == Action.CONTINUE && !analysis.chain().isEmpty()) {
            succession.needCloseMark();
        }
        if (!isCopyPending && analysis.isTailProven()) {
            deleteDead();
        }
        this.report = analysis.report(copiedRecords, deletedSegments);
    }

    /** Segments behind the tail that were prepared and never used, or are copies that were never finished. */
    private void deleteUnused() {
        for (long sequence : analysis.unusedSequences()) {
            if (!WorthlessSegment.delete(store, sequence)) {
                // It stays, and those before it with it, so that no gap comes to be.
                return;
            }
            sequences.remove(sequence);
        }
    }

    private SegmentHeader headerOfLog() {
        var header = analysis.anyHeader();
        return header == null ? SegmentHeader.ofNewLog(0) : header;
    }

    private SegmentChain chain(Action action, boolean isResumed) {
        var chain = analysis.chain();
        if (chain.isEmpty() || action == Action.COPY) {
            return chain;
        }
        var last = chain.last();
        var ended = isResumed
                ? Segment.growing(last.header(), last.open())
                : last.endingAt(analysis.lastLsn(), analysis.provenPosition(), false);
        return chain.cutTo(ended);
    }

    private @Nullable ActiveSegment resume() {
        var tail = analysis.tail();
        if (tail == null) {
            return null;
        }
        long position = tail.closePosition();
        try {
            var writer = store.resume(tail.header().sequence(), position, 0);
            return new ActiveSegment(tail.header(), tail.open(), writer, tail.index(), position);
        } catch (IOException e) {
            source.failed(e);
            return null;
        }
    }

    private void copy() throws IOException {
        var tail = analysis.tail();
        if (tail == null) {
            return;
        }
        var copy = new TailCopy(analysis, tail, options);
        try {
            var copied = copy.run(source, analysis.firstLsn());
            copiedRecords = copied.copiedRecords();
            succession.adopt(copied);
        } catch (WalNoSpaceException e) {
            isCopyPending = true;
            succession.copyLater(copy);
        }
    }

    /** Segments that the chain leaves out: dropped, given up, or replaced by a copy. */
    private void deleteDead() {
        var chain = succession.chain();
        if (chain.isEmpty()) {
            return;
        }
        var live = new HashSet<Long>();
        chain.segments().forEach(segment -> live.add(segment.sequence()));
        for (long sequence : sequences) {
            if (sequence < chain.last().sequence() && !live.contains(sequence)) {
                deletedSegments += WorthlessSegment.delete(store, sequence) ? 1 : 0;
            }
        }
    }

    Observers observers() {
        return observers;
    }

    SegmentSource source() {
        return source;
    }

    Progress progress() {
        return progress;
    }

    WritePath path() {
        return path;
    }

    Succession succession() {
        return succession;
    }

    Pins pins() {
        return pins;
    }

    RecoveryReport report() {
        return report;
    }
}
