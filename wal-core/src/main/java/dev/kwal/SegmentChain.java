package dev.kwal;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The segments that make up the log, oldest first. Immutable; a change makes a new chain. */
final class SegmentChain {
    static final SegmentChain EMPTY = new SegmentChain(List.of());

    private final List<Segment> segments;

    SegmentChain(List<Segment> segments) {
        this.segments = segments;
    }

    List<Segment> segments() {
        return segments;
    }

    boolean isEmpty() {
        return segments.isEmpty();
    }

    Segment last() {
        return segments.get(segments.size() - 1);
    }

    /** Counts truncations. */
    long truncations() {
        return isEmpty() ? 0 : last().open().epoch();
    }

    /** The segment that holds or will hold a record, or null if all begin behind it. */
    @Nullable
    Segment find(long lsn) {
        int low = 0;
        int high = segments.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (segments.get(middle).baseLsn() <= lsn) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return high < 0 ? null : segments.get(high);
    }

    boolean holds(long sequence) {
        return segments.stream().anyMatch(segment -> segment.sequence() == sequence);
    }

    /** Ends the last segment and adds another. */
    SegmentChain with(@Nullable Segment endedLast, Segment added) {
        var next = new ArrayList<>(segments);
        if (endedLast != null) {
            next.set(next.size() - 1, endedLast);
        }
        next.add(added);
        return new SegmentChain(List.copyOf(next));
    }

    /** Keeps the segments up to and including the one that holds {@code ended}, in its new form; none for null. */
    SegmentChain cutTo(@Nullable Segment ended) {
        if (ended == null) {
            return EMPTY;
        }
        var next = new ArrayList<Segment>();
        for (var segment : segments) {
            if (segment.sequence() >= ended.sequence()) {
                break;
            }
            next.add(segment);
        }
        next.add(ended);
        return new SegmentChain(List.copyOf(next));
    }

    /**
     * The lowest LSN that was given up since an epoch, as the chain tells; {@link Long#MAX_VALUE} for none. Where the segment
     * that begins with a cut is gone, everything may have been given up.
     */
    long lowestCutSince(long epoch) {
        long cut = Long.MAX_VALUE;
        boolean isFirst = true;
        for (var segment : segments) {
            var open = segment.open();
            if (open.epoch() > epoch) {
                boolean isCut = open.reason() == OpenFrame.Reason.TRUNCATE && open.epoch() == epoch + 1;
                cut = Math.min(cut, isFirst && !isCut ? 1 : segment.baseLsn());
            }
            isFirst = false;
        }
        return cut;
    }

    /** Drops the oldest segment. */
    SegmentChain withoutFirst() {
        return new SegmentChain(segments.subList(1, segments.size()));
    }
}
