package dev.kwal;

import dev.kwal.RecoveryTable.Rest;
import dev.kwal.RecoveryTable.Verdict;
import dev.kwal.storage.WalStore;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a log from its store and finds out what belongs to it. Changes nothing.
 *
 * <p>Walks back from the newest segment to the first that is in effect, the <em>tail</em>; scans it; follows the chain of
 * OPEN frames from there to the oldest live segment; and looks behind the end for proof that something is missing.
 */
final class Analysis implements Closeable {
    private final WalStore store;
    private final WalOptions options;
    private final List<SegmentProbe> probes = new ArrayList<>();
    private final List<SegmentProbe> unopened = new ArrayList<>();

    private @Nullable TailScan tail;
    private SegmentChain chain = SegmentChain.EMPTY;
    private Rest behind = Rest.NOTHING;
    private Rest newer = Rest.NOTHING;
    private long scannedBytes;
    private long tornSegment;
    private long tornPosition;
    private long tornBytes;
    private long provenPosition = Format.HEADER_BYTES;
    private Verdict verdict = new Verdict(RecoveryTable.Action.CONTINUE, false);

    private Analysis(WalStore store, WalOptions options) {
        this.store = store;
        this.options = options;
    }

    /**
     * Analyses.
     *
     * @throws WalCorruptedException if synced data is damaged or missing, or if that cannot be decided
     * @throws WalFormatException if a segment cannot be read by this version
     * @throws IOException if reading fails
     */
    static Analysis of(WalStore store, WalOptions options) throws IOException {
        var analysis = new Analysis(store, options);
        try {
            analysis.run();
            return analysis;
        } catch (Throwable t) {
            analysis.closeAfter(t);
            throw t;
        }
    }

    private void closeAfter(Throwable thrown) {
        try {
            close();
        } catch (IOException e) {
            thrown.addSuppressed(e);
        }
    }

    private void run() throws IOException {
        for (long sequence : store.segments()) {
            probes.add(SegmentProbe.of(store, sequence));
        }
        checkLogId();
        findTail();
        checkNoGap();
        if (tail != null) {
            chain = ChainWalk.backFrom(tail, store, probes);
            lookBehind(tail);
            provenPosition = tail.provenPosition(options.maxRecordBytes());
        }
        for (var probe : unopened) {
            lookInto(probe);
        }
        decide();
        if (options.verifyOnOpen()) {
            var segments = chain.segments();
            scannedBytes += Verification.run(store, options, segments.subList(0, Math.max(0, segments.size() - 1)));
        }
    }

    private void checkLogId() throws WalFormatException {
        SegmentHeader first = null;
        for (var probe : probes) {
            var header = probe.header();
            if (header != null && first != null && !header.isOfLogOf(first)) {
                throw new WalFormatException(
                        probe.sequence(), "belongs to another log than segment " + first.sequence());
            }
            first = first == null ? header : first;
        }
    }

    private void findTail() throws IOException {
        for (int at = probes.size() - 1; at >= 0 && tail == null; at--) {
            var probe = probes.get(at);
            var header = probe.header();
            var open = probe.open();
            if (header == null && probe.headerProblem() == SegmentHeader.Problem.DAMAGED) {
                throw new WalCorruptedException(probe.sequence(), 0, 0, "the header is damaged");
            }
            if (header == null || open == null) {
                checkOnlyUnfinished(probe);
                unopened.add(probe);
            } else {
                tryTail(header, open);
            }
        }
        if (tail == null && !probes.isEmpty() && probes.get(0).sequence() != 1) {
            throw new WalCorruptedException(
                    probes.get(0).sequence() - 1, 0, 0, "missing, and no later segment was begun");
        }
    }

    /** One segment is created at a time, and before that the one before it was whole. */
    private void checkOnlyUnfinished(SegmentProbe probe) throws WalCorruptedException {
        for (var other : unopened) {
            if (probe.header() == null && other.header() == null) {
                throw new WalCorruptedException(
                        probe.sequence(), 0, 0, "no header, nor has segment " + other.sequence() + " one");
            }
        }
    }

    /** Takes the segment as the tail if it is in effect. If it is not, it holds copies only, of what its predecessor has. */
    private void tryTail(SegmentHeader header, OpenFrame open) throws IOException {
        var scan = new TailScan(store.open(header.sequence()), header, open, options);
        try {
            scan.advance();
            scannedBytes += scan.scannedBytes();
            if (scan.isEffective()) {
                tail = scan;
                return;
            }
            var suffix = SuffixScan.of(scan.reader(), header, scan.stopPosition(), scan.lastLsn() + 1, scan.lastLsn());
            if (suffix.durableLsn() >= open.baseLsn() || suffix.syncedPosition() > 0) {
                throw new WalCorruptedException(
                        header.sequence(),
                        scan.stopPosition(),
                        scan.lastLsn() + 1,
                        scan.problem() + ", and a later frame proves that this was synced");
            }
            if (!suffix.isComplete()) {
                throw undecided(header.sequence(), scan.stopPosition(), scan.lastLsn() + 1);
            }
        } finally {
            if (tail != scan) {
                scan.close();
            }
        }
    }

    private void checkNoGap() throws WalCorruptedException {
        long previous = tail == null ? 0 : tail.header().sequence();
        for (var probe : probes) {
            if (probe.sequence() > previous) {
                if (probe.sequence() != previous + 1) {
                    throw new WalCorruptedException(
                            previous + 1,
                            0,
                            lastLsn() + 1,
                            "the segment is missing, but segment " + probe.sequence() + " is there");
                }
                previous = probe.sequence();
            }
        }
    }

    // -- behind the end

    private void lookBehind(TailScan scan) throws IOException {
        if (scan.stopsAtTheEnd()) {
            noteTorn(scan, scan.stopPosition());
            return;
        }
        var suffix =
                SuffixScan.of(scan.reader(), scan.header(), scan.stopPosition(), scan.lastLsn() + 1, scan.lastLsn());
        boolean proves = suffix.durableLsn() > scan.lastLsn() || suffix.syncedPosition() > scan.endPosition();
        behind = restOf(suffix, scan.stopPosition(), proves);
        scan.noteDurable(suffix.durableLsn());
        noteTorn(scan, suffix.lastByte());
    }

    private void noteTorn(TailScan scan, long lastByte) {
        if (lastByte > scan.endPosition()) {
            tornSegment = scan.header().sequence();
            tornPosition = scan.endPosition();
            tornBytes = lastByte - scan.endPosition();
        }
    }

    /** A segment that never got an OPEN frame, or whose OPEN frame is damaged. */
    private void lookInto(SegmentProbe probe) throws IOException {
        var header = probe.header();
        if (header == null) {
            newer = newer.worse(Rest.GARBAGE);
            noteTorn(probe, 0, probe.size());
            return;
        }
        try (var reader = store.open(probe.sequence())) {
            var suffix = SuffixScan.of(reader, header, Format.HEADER_BYTES, 1, lastLsn());
            boolean proves = suffix.durableLsn() > lastLsn()
                    || suffix.syncedPosition() > 0
                    || suffix.lowestRecordLsn() <= lastLsn();
            var rest = restOf(suffix, Format.HEADER_BYTES, proves);
            newer = newer.worse(rest);
            if (rest != Rest.NOTHING) {
                noteTorn(probe, Format.HEADER_BYTES, suffix.lastByte());
            }
        }
    }

    private void noteTorn(SegmentProbe probe, long from, long to) {
        if (tornSegment == 0) {
            tornSegment = probe.sequence();
            tornPosition = from;
            tornBytes = to - from;
        }
    }

    private static Rest restOf(SuffixScan suffix, long from, boolean proves) {
        if (proves) {
            return Rest.PROOF;
        }
        if (!suffix.isComplete()) {
            return Rest.UNDECIDED;
        }
        if (suffix.frames() > 0) {
            return Rest.UNPROVEN;
        }
        return suffix.lastByte() > from ? Rest.GARBAGE : Rest.NOTHING;
    }

    private void decide() throws WalCorruptedException {
        verdict = RecoveryTable.decide(
                tail != null && tail.isClosed() && store.capabilities().resumable(),
                behind,
                tail != null && tail.hasIncompleteBatch(),
                newer,
                lastLsn() >= options.expectAtLeast(),
                tail != null && tail.hasUnproven(provenPosition));
        long segment = tornSegment != 0
                ? tornSegment
                : chain.isEmpty() ? 1 : chain.last().sequence();
        long position = tornSegment != 0 ? tornPosition : tail == null ? 0 : tail.endPosition();
        if (verdict.action() == RecoveryTable.Action.CORRUPTED) {
            throw new WalCorruptedException(
                    segment,
                    position,
                    lastLsn() + 1,
                    lastLsn() < options.expectAtLeast()
                            ? "the log ends at LSN " + lastLsn() + ", expected at least " + options.expectAtLeast()
                            : (tail == null ? "damaged" : tail.problem())
                                    + ", and a later frame proves that this was synced");
        }
        if (verdict.action() == RecoveryTable.Action.REFUSED) {
            throw undecided(segment, position, lastLsn() + 1);
        }
    }

    private static WalCorruptedException undecided(long segment, long position, long lsn) {
        return new WalCorruptedException(
                segment,
                position,
                lsn,
                "too many possible frames behind this place to say whether it is torn or damaged");
    }

    // -- what was found

    @Nullable
    TailScan tail() {
        return tail;
    }

    /** The segments, the tail as it ends now. */
    SegmentChain chain() {
        return chain;
    }

    Verdict verdict() {
        return verdict;
    }

    /** Everything of the tail before this position is proven synced. */
    long provenPosition() {
        return provenPosition;
    }

    /** Whether dead segments may go: what the tail says is proven, or was copied and synced. */
    boolean isTailProven() {
        return verdict.action() == RecoveryTable.Action.COPY || provenPosition > Format.HEADER_BYTES;
    }

    long lastLsn() {
        return tail == null ? 0 : tail.lastLsn();
    }

    long firstLsn() {
        return tail == null ? 1 : tail.firstLsn();
    }

    long provenDurableLsn() {
        return tail == null ? 0 : tail.durableLsn();
    }

    long epoch() {
        return tail == null ? 0 : tail.open().epoch();
    }

    /** A header of this log, or null if there is none yet. */
    @Nullable
    SegmentHeader anyHeader() {
        for (var probe : probes) {
            if (probe.header() != null) {
                return probe.header();
            }
        }
        return null;
    }

    /** All sequences present. */
    List<Long> sequences() {
        return probes.stream().map(SegmentProbe::sequence).toList();
    }

    /**
     * The newest segments as far as they hold a header and nothing else, or a copy that was never finished; newest first:
     * deleting them in this order leaves no gap at any time.
     */
    List<Long> unusedSequences() {
        var unused = new ArrayList<Long>();
        if (newer == Rest.NOTHING) {
            long tailSequence = tail == null ? 0 : tail.header().sequence();
            for (int at = probes.size() - 1; at >= 0 && probes.get(at).sequence() > tailSequence; at--) {
                unused.add(probes.get(at).sequence());
            }
        }
        return unused;
    }

    /** What to report; the repair adds what it did. */
    RecoveryReport report(long copiedRecords, int deletedSegments) {
        boolean isNew = tail == null && tornSegment == 0;
        var end = isNew
                ? RecoveryReport.End.NEW
                : verdict.isTorn()
                        ? RecoveryReport.End.TORN
                        : tail != null && tail.isClosed() ? RecoveryReport.End.CLEAN : RecoveryReport.End.UNCLOSED;
        return new RecoveryReport(
                end,
                firstLsn(),
                lastLsn(),
                provenDurableLsn(),
                chain.segments().size(),
                scannedBytes,
                copiedRecords,
                verdict.isTorn() ? tornSegment : 0,
                verdict.isTorn() ? tornPosition : 0,
                verdict.isTorn() ? tornBytes : 0,
                deletedSegments);
    }

    @Override
    public void close() throws IOException {
        if (tail != null) {
            tail.close();
        }
    }
}
