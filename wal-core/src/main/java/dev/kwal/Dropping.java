package dev.kwal;

import java.io.IOException;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HashMap;

/**
 * Decides how much of the log may be dropped, and drops it.
 *
 * <p>What may be dropped is what a checkpoint asked for or retention gives up, as far as no pin holds it and the listener
 * allows it.
 *
 * <p>Always: the listener is asked without any lock; what pins hold is looked at under the life-cycle lock, as they change.
 * Thread-safe.
 */
final class Dropping {
    private final Retention retention;
    private final Pins pins;
    private final WritePath path;
    private final Progress progress;
    private final SegmentSource source;
    private final Succession succession;
    private final LifeCycle lifeCycle;
    private final Listening listening;
    private final InstantSource clock;

    /** The highest LSN that a checkpoint asked to drop, which a pin may hold; changed under the life-cycle lock. */
    private volatile long wantedLsn;

    /**
     * What may be dropped.
     *
     * @param lsn records up to it
     * @param endSequence segments before it
     */
    private record Permit(long lsn, long endSequence) {}

    Dropping(Retention retention, Opening opening, LifeCycle lifeCycle, Listening listening, InstantSource clock) {
        this.retention = retention;
        this.pins = opening.pins();
        this.path = opening.path();
        this.progress = opening.progress();
        this.source = opening.source();
        this.succession = opening.succession();
        this.lifeCycle = lifeCycle;
        this.listening = listening;
        this.clock = clock;
    }

    /** Drops the records up to an LSN, as far as nobody holds them; the rest when they are let go. */
    int checkpoint(long lsn) throws IOException {
        while (true) {
            progress.checkUsable();
            if (lsn < 0 || lsn > progress.lastLsn()) {
                throw new IllegalArgumentException("lsn is " + lsn + ", expected 0 to " + progress.lastLsn());
            }
            long epoch = progress.epoch();
            int deleted = drop(epoch, permit(lsn), lsn);
            if (deleted >= 0) {
                return deleted;
            }
        }
    }

    /**
     * Drops what is permitted and no pin holds by now.
     *
     * @param wanted what a checkpoint asked for, or 0
     * @return how many segments were deleted; -1 if a truncation came between, and nothing was done
     */
    private int drop(long epoch, Permit permit, long wanted) throws IOException {
        var deleted = new int[] {-1};
        lifeCycle.whole(() -> {
            if (progress.epoch() != epoch) {
                return;
            }
            wantedLsn = Math.max(wantedLsn, wanted);
            long lsn = Math.min(permit.lsn(), pins.table().lowestLsn());
            var kept = new long[1];
            path.exclusively(() -> kept[0] = succession.advanceHead(lsn + 1));
            deleted[0] = succession.deleteDropped(Math.min(kept[0], permit.endSequence()));
        });
        if (deleted[0] > 0 && source.failure() instanceof Quota.Exceeded) {
            source.prepareAhead();
        }
        return deleted[0];
    }

    /** How far the pins and the listener let records be dropped. */
    private Permit permit(long lsn) {
        long target = Math.min(lsn, pins.table().lowestLsn());
        if (!listening.isUsed()) {
            return new Permit(target, Long.MAX_VALUE);
        }
        long firstLsn = succession.firstLsn();
        Segment before = null;
        for (var segment : succession.chain().segments()) {
            if (before != null) {
                if (segment.baseLsn() > Math.max(target + 1, firstLsn)) {
                    return new Permit(target, before.sequence());
                }
                if (!listening.mayDelete(before.info())) {
                    return new Permit(Math.min(target, Math.max(firstLsn, before.baseLsn()) - 1), before.sequence());
                }
            }
            before = segment;
        }
        return new Permit(target, before == null ? 0 : before.sequence());
    }

    /** What a checkpoint or retention would drop if nobody held it. */
    private long droppableLsn() {
        long lsn = wantedLsn;
        var segments = succession.chain().segments();
        long bytes = path.endPosition();
        for (var segment : segments) {
            bytes += segment.isGrowing() ? 0 : segment.endPosition();
        }
        long now = clock.millis();
        for (int position = 0; position < segments.size() - 1; position++) {
            var segment = segments.get(position);
            var sealed = retention.hasAge() ? pins.table().seals().get(segment.sequence()) : null;
            boolean isOld = sealed != null && now - sealed >= retention.ageMillis();
            if (bytes <= retention.keepBytes() && !isOld) {
                break;
            }
            bytes -= segment.endPosition();
            lsn = Math.max(lsn, segments.get(position + 1).baseLsn() - 1);
        }
        return lsn;
    }

    /** Whether a segment can be deleted when the records up to an LSN are dropped. */
    private boolean deletesAny(long lsn) {
        var segments = succession.chain().segments();
        return segments.size() > 1 && segments.get(1).baseLsn() <= lsn + 1;
    }

    /** Drops what nobody holds any more, if that makes room. */
    int dropDroppable() throws IOException {
        long epoch = progress.epoch();
        long lsn = Math.min(droppableLsn(), pins.table().lowestLsn());
        return deletesAny(lsn) ? Math.max(0, drop(epoch, permit(lsn), 0)) : 0;
    }

    // -- when the log is full

    /** Makes sure that there is a segment with room for a group; where the quota is in the way, drops what may go. */
    void makeRoomFor(long frameBytes) throws IOException {
        while (true) {
            long oldest = oldestSequence();
            try {
                path.exclusively(() -> succession.makeRoomFor(frameBytes));
                return;
            } catch (WalNoSpaceException e) {
                if (!(e.getCause() instanceof Quota.Exceeded) || !makeSpace(oldest)) {
                    throw e;
                }
            }
        }
    }

    /** Whether a segment has gone since the oldest was the one given, by whomever. */
    private boolean makeSpace(long oldest) throws IOException {
        return dropDroppable() > 0
                || oldestSequence() != oldest
                || (mayDeleteOldest() && dropPins(oldest) && (dropDroppable() > 0 || oldestSequence() != oldest));
    }

    private long oldestSequence() {
        var segments = succession.chain().segments();
        return segments.isEmpty() ? 0 : segments.get(0).sequence();
    }

    /** Whether the listener lets the oldest go, if there is one beside that being written. */
    private boolean mayDeleteOldest() {
        var segments = succession.chain().segments();
        return segments.size() > 1 && listening.mayDelete(segments.get(0).info());
    }

    /**
     * Drops the oldest pins that may be dropped, as many as it takes to free a segment; none if that takes others, or if a
     * segment has gone already or can go with all of them in place.
     *
     * @return whether a segment can go
     */
    private boolean dropPins(long oldest) throws IOException {
        var dropped = new HashMap<String, PinTable.Pin>();
        var canGo = new boolean[1];
        lifeCycle.whole(() -> {
            var table = pins.table();
            canGo[0] = oldestSequence() != oldest || deletesAny(Math.min(droppableLsn(), table.lowestLsn()));
            if (canGo[0]) {
                return;
            }
            var byAge = table.pins().entrySet().stream()
                    .filter(pin -> pin.getValue().overflow() == WalPin.Overflow.DROP)
                    .sorted(Comparator.comparingLong(pin -> pin.getValue().lsn()))
                    .toList();
            for (var pin : byAge) {
                table = table.without(pin.getKey());
                dropped.put(pin.getKey(), pin.getValue());
                if (deletesAny(Math.min(droppableLsn(), table.lowestLsn()))) {
                    pins.change(table, progress.epoch());
                    canGo[0] = true;
                    return;
                }
            }
            dropped.clear();
        });
        dropped.forEach((name, pin) -> listening.tell(listener -> listener.pinDropped(name, pin.lsn())));
        return canGo[0];
    }

    /** Takes everything back to before a cut: what comes in the place of given-up records was not let go by anybody. */
    void truncateAfter(long lsn) throws IOException {
        lifeCycle.whole(() -> {
            if (lsn >= succession.firstLsn() - 1 && lsn < progress.lastLsn()) {
                pins.change(pins.table().cutTo(lsn), progress.epoch());
                wantedLsn = Math.min(wantedLsn, lsn);
            }
            path.exclusively(() -> succession.truncateAfter(lsn));
        });
    }
}
