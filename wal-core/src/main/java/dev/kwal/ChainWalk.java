package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Follows the OPEN frames back from the tail to the oldest live segment. Each segment on the way was synced up to the end
 * that its successor names, so whatever is missing or different there is damage.
 */
final class ChainWalk {
    private final WalStore store;
    private final List<SegmentProbe> probes;

    private ChainWalk(WalStore store, List<SegmentProbe> probes) {
        this.store = store;
        this.probes = probes;
    }

    /**
     * The chain that ends with the tail.
     *
     * @param probes all segments present, ascending
     * @throws WalCorruptedException if a live segment is missing, damaged, cut off, or another than the one meant
     * @throws IOException if reading fails
     */
    static SegmentChain backFrom(TailScan tail, WalStore store, List<SegmentProbe> probes) throws IOException {
        return new ChainWalk(store, probes).run(tail);
    }

    private SegmentChain run(TailScan newest) throws IOException {
        var segments = new ArrayDeque<Segment>();
        var current =
                new Segment(newest.header(), newest.open(), newest.lastLsn(), newest.endPosition(), newest.isSealed());
        segments.addFirst(current);
        while (current.baseLsn() > newest.firstLsn()) {
            current = predecessorOf(current, newest.firstLsn());
            segments.addFirst(current);
        }
        return new SegmentChain(List.copyOf(segments));
    }

    private Segment predecessorOf(Segment successor, long firstLsn) throws IOException {
        var link = successor.open();
        var probe = find(link.predecessor());
        if (probe == null) {
            throw new WalCorruptedException(
                    link.predecessor(), 0, firstLsn, "missing, segment " + successor.sequence() + " follows it");
        }
        var header = probe.header();
        var open = probe.open();
        if (header == null) {
            throw new WalCorruptedException(probe.sequence(), 0, firstLsn, "the header is damaged");
        }
        if (header.nonce() != link.predecessorNonce() || probe.sequence() >= successor.sequence()) {
            throw new WalCorruptedException(
                    probe.sequence(), 0, firstLsn, "not the segment that segment " + successor.sequence() + " follows");
        }
        if (open == null || open.baseLsn() > successor.baseLsn()) {
            throw new WalCorruptedException(
                    probe.sequence(), Format.HEADER_BYTES, firstLsn, "the OPEN frame is damaged");
        }
        long end = link.predecessorEnd();
        if (probe.size() < end) {
            throw new WalCorruptedException(
                    probe.sequence(), probe.size(), successor.baseLsn() - 1, "cut off, expected " + end + " bytes");
        }
        boolean isSealed = isSealed(probe, header, open, successor);
        return new Segment(header, open, successor.baseLsn() - 1, end, isSealed);
    }

    private boolean isSealed(SegmentProbe probe, SegmentHeader header, OpenFrame open, Segment successor)
            throws IOException {
        long end = successor.open().predecessorEnd();
        var seal = probe.size() == end ? probe.seal() : readSeal(header, end);
        boolean mustBeSealed = successor.open().reason() == OpenFrame.Reason.ROTATE;
        boolean fits = seal != null && seal.baseLsn() == open.baseLsn() && seal.nextLsn() == successor.baseLsn();
        if (mustBeSealed && !fits) {
            throw new WalCorruptedException(
                    header.sequence(), end, successor.baseLsn() - 1, "the seal is damaged or of another content");
        }
        return fits;
    }

    /** Where the segment did not end with its seal: space may be left behind it. */
    private @Nullable SealFrame readSeal(SegmentHeader header, long end) throws IOException {
        try (var reader = store.open(header.sequence())) {
            return Segment.readSealOnly(reader, header, end);
        }
    }

    private @Nullable SegmentProbe find(long sequence) {
        int low = 0;
        int high = probes.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            long found = probes.get(middle).sequence();
            if (found == sequence) {
                return probes.get(middle);
            }
            if (found < sequence) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return null;
    }
}
