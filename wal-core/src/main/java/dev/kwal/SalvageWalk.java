package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Follows a damaged log back from its newest segment as far as OPEN frames lead, and where they do not, to the next older
 * segment. What newer segments hold is never taken from older ones.
 */
final class SalvageWalk {
    private final WalStore store;
    private final WalOptions options;
    private final Deque<SalvageRun> runs = new ArrayDeque<>();
    private final Deque<WalSalvage.Damage> damages = new ArrayDeque<>();

    private @Nullable UUID logId;
    private boolean hasTail;
    private boolean isDone;
    private boolean isCertain = true;
    private @Nullable OpenFrame link;
    private long newerSequence;
    private long newerEpoch = -1;
    private long ceilingLsn = Long.MAX_VALUE;
    private long firstLsn = 1;
    private long lastLsn;

    private SalvageWalk(WalStore store, WalOptions options) {
        this.store = store;
        this.options = options;
    }

    static SalvageWalk over(WalStore store, WalOptions options) throws IOException {
        var walk = new SalvageWalk(store, options);
        walk.run();
        return walk;
    }

    private void run() throws IOException {
        var places = new ArrayList<Place>();
        for (long sequence : store.segments()) {
            places.add(probe(sequence));
        }
        logId = mostCommonId(places);
        for (int at = places.size() - 1; at >= 0 && !isDone; at--) {
            visit(places.get(at));
        }
        if (!isDone && link != null && link.predecessor() != 0) {
            lose(link.predecessor(), 0, "missing, segment " + newerSequence + " follows it");
        }
    }

    /** A segment, or what keeps it from being read. */
    private record Place(long sequence, long size, @Nullable SegmentProbe probe, String problem) {}

    private Place probe(long sequence) throws IOException {
        long size;
        try (var reader = store.open(sequence)) {
            size = reader.size();
        }
        try {
            var probe = SegmentProbe.of(store, sequence);
            var problem = probe.headerProblem() == SegmentHeader.Problem.UNFINISHED
                    ? "the header is cut off"
                    : "the header is damaged";
            return new Place(sequence, size, probe, probe.header() == null ? problem : "");
        } catch (WalException e) {
            return new Place(sequence, size, null, String.valueOf(e.getMessage()));
        }
    }

    private static @Nullable UUID mostCommonId(List<Place> places) {
        var counts = new HashMap<UUID, Integer>();
        UUID best = null;
        int most = 0;
        for (var place : places) {
            var header = headerOf(place);
            if (header != null) {
                int count = counts.merge(header.logId(), 1, Integer::sum);
                if (count >= most) {
                    most = count;
                    best = header.logId();
                }
            }
        }
        return best;
    }

    private static @Nullable SegmentHeader headerOf(Place place) {
        return place.probe() == null ? null : place.probe().header();
    }

    private void visit(Place place) throws IOException {
        if (link != null && link.predecessor() == 0) {
            isDone = true;
            return;
        }
        if (link != null && place.sequence() > link.predecessor()) {
            // Left behind by the log.
            return;
        }
        if (link != null && place.sequence() < link.predecessor()) {
            lose(link.predecessor(), 0, "missing, segment " + newerSequence + " follows it");
        }
        var header = headerOf(place);
        if (header == null && isUnfinished(place) && damages.isEmpty() && !hasTail) {
            // Its creation was not finished, so nothing was written to it.
            return;
        }
        if (header == null) {
            lose(place.sequence(), place.size(), place.problem());
        } else if (!header.logId().equals(logId)) {
            lose(place.sequence(), place.size(), "belongs to another log");
        } else if (link != null && header.nonce() != link.predecessorNonce()) {
            lose(place.sequence(), place.size(), "not the segment that segment " + newerSequence + " follows");
        } else {
            scan(place, header);
        }
    }

    private static boolean isUnfinished(Place place) {
        return place.probe() != null && place.probe().headerProblem() == SegmentHeader.Problem.UNFINISHED;
    }

    /** Whatever the segment held is lost, and so is what it said about its predecessor. */
    private void lose(long sequence, long bytes, String why) {
        damages.addFirst(new WalSalvage.Damage(sequence, 0, bytes, why));
        link = null;
    }

    private void scan(Place place, SegmentHeader header) throws IOException {
        var probe = place.probe();
        var open = probe == null ? null : probe.open();
        long end = link == null ? Segment.UNKNOWN : link.predecessorEnd();
        SalvageScan scan;
        try (var reader = store.open(place.sequence())) {
            scan = SalvageScan.of(reader, header, open, end, options.maxRecordBytes());
        }
        if (link == null) {
            if (!scan.isEffective()) {
                // Prepared and not begun, or a copy that was never completed.
                return;
            }
            scan.cutTorn();
        }
        take(scan);
    }

    private void take(SalvageScan scan) {
        var open = scan.open();
        boolean isTail = !hasTail && damages.isEmpty();
        // Without a truncation in between the same LSN is the same record. With one, nobody knows where it cut.
        isCertain &= isTail || link != null || (open != null && open.epoch() == newerEpoch);
        firstLsn = Math.max(firstLsn, scan.firstLsn());
        lastLsn = Math.max(lastLsn, Math.min(scan.durableLsn(), ceilingLsn - 1));
        for (int at = scan.damages().size() - 1; at >= 0; at--) {
            damages.addFirst(scan.damages().get(at));
        }
        for (int at = scan.runs().size() - 1; at >= 0; at--) {
            take(scan.runs().get(at));
        }
        ceilingLsn = Math.min(ceilingLsn, scan.baseLsn());
        hasTail = true;
        link = open;
        newerSequence = scan.header().sequence();
        newerEpoch = open == null ? -1 : open.epoch();
        isDone = open != null && open.baseLsn() <= firstLsn;
    }

    private void take(SalvageRun run) {
        if (run.firstLsn() < ceilingLsn) {
            var cut = run.upTo(Math.min(run.lastLsn(), ceilingLsn - 1));
            runs.addFirst(isCertain ? cut : cut.uncertain());
            lastLsn = Math.max(lastLsn, cut.lastLsn());
        }
    }

    // -- what was found

    @Nullable
    UUID logId() {
        return logId;
    }

    /** In order of LSN; what a checkpoint has dropped is left out. */
    List<SalvageRun> runs() {
        return runs.stream()
                .filter(run -> run.lastLsn() >= firstLsn)
                .map(run -> run.firstLsn() < firstLsn ? run.from(firstLsn) : run)
                .toList();
    }

    /** In order of segments. */
    List<WalSalvage.Damage> damages() {
        return List.copyOf(damages);
    }

    /** The first live LSN, as far as known. */
    long firstLsn() {
        return firstLsn;
    }

    /** The last LSN that is known to have been there. */
    long lastLsn() {
        return lastLsn;
    }
}
