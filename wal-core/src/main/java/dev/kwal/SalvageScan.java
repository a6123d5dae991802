package dev.kwal;

import dev.kwal.storage.SegmentReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Walks over one segment that may be damaged, and goes on behind damage at the next frame that is whole at its own position.
 *
 * <p>Always: runs ascend in position and LSN. Never throws for what it finds. One thread.
 */
final class SalvageScan {
    /** More are no damages, but another kind of file. */
    private static final int MAX_DAMAGES = 10_000;

    private final SegmentHeader header;
    private final @Nullable OpenFrame open;
    private final FrameScanner scanner;
    private final FrameSearch search;
    private final long endPosition;
    private final boolean isEndNamed;

    private final List<SalvageRun> runs = new ArrayList<>();
    private final List<WalSalvage.Damage> damages = new ArrayList<>();
    private long nextLsn;
    private long runPosition;
    private long runFirstLsn;
    private long batchLsn;

    /** For each damage, the first record of the batch that it cuts; 0 for none. */
    private final List<Long> batchLsns = new ArrayList<>();

    private long durableLsn = -1;
    private long syncedPosition;
    private long firstLsn;

    private SalvageScan(
            SegmentReader reader,
            SegmentHeader header,
            @Nullable OpenFrame open,
            long endPosition,
            boolean isEndNamed,
            int maxRecordBytes) {
        this.header = header;
        this.open = open;
        this.endPosition = endPosition;
        this.isEndNamed = isEndNamed;
        this.scanner = new FrameScanner(reader, header, maxRecordBytes, FrameScanner.BLOCK_BYTES);
        this.search = new FrameSearch(reader, header, endPosition);
        this.nextLsn = open == null ? 1 : open.baseLsn();
        this.firstLsn = open == null ? 1 : open.firstLsn();
    }

    /**
     * Scans.
     *
     * @param open null if the OPEN frame is damaged, too
     * @param endPosition where in the segment the log goes over to another; {@link Segment#UNKNOWN} if that is not known
     */
    static SalvageScan of(
            SegmentReader reader, SegmentHeader header, @Nullable OpenFrame open, long endPosition, int maxRecordBytes)
            throws IOException {
        long end = Math.min(endPosition, reader.size());
        boolean isNamed = endPosition != Segment.UNKNOWN;
        var scan = new SalvageScan(reader, header, open, end, isNamed, maxRecordBytes);
        scan.run();
        if (isNamed && end < endPosition) {
            scan.add(end, endPosition - end, "cut off");
        }
        return scan;
    }

    private void run() throws IOException {
        while (scanner.position() < endPosition) {
            var step = scanner.next();
            if (step == FrameScanner.Step.FRAME && isInOrder()) {
                note();
            } else if (!goOnBehind(step)) {
                break;
            }
        }
        endRun();
    }

    /** Not behind what was there, and not farther ahead than there is room for records in between. */
    private boolean isInOrder() {
        long jump = scanner.lsn() - nextLsn;
        long room = open == null ? Long.MAX_VALUE : scanner.framePosition() / Format.FRAME_HEADER_BYTES;
        return scanner.kind() != Format.RECORD || (jump >= 0 && jump <= room);
    }

    private void note() {
        durableLsn = Math.max(durableLsn, scanner.durableLsn());
        switch (scanner.kind()) {
            case Format.RECORD -> noteRecord();
            case Format.HEAD -> firstLsn = Math.max(firstLsn, Math.min(scanner.number(), scanner.lsn() + 1));
            case Format.MARK, Format.CLOSE ->
                syncedPosition = Math.max(syncedPosition, Math.min(scanner.number(), scanner.framePosition()));
            default -> {
                // OPEN was read before, and what a seal says is in the frames.
            }
        }
    }

    private void noteRecord() {
        long lsn = scanner.lsn();
        if (lsn != nextLsn) {
            endRun();
        }
        if (runFirstLsn == 0) {
            runFirstLsn = lsn;
            runPosition = scanner.framePosition();
        }
        nextLsn = lsn + 1;
        switch (scanner.flags()) {
            case Format.BATCH_BEGIN -> batchLsn = lsn;
            case Format.BATCH_MIDDLE -> batchLsn = batchLsn == 0 ? lsn : batchLsn;
            default -> batchLsn = 0;
        }
    }

    private void endRun() {
        if (runFirstLsn != 0) {
            runs.add(new SalvageRun(header, runPosition, runFirstLsn, nextLsn - 1, true));
            runFirstLsn = 0;
        }
    }

    /** Goes on at the next whole frame; false if there is none. */
    private boolean goOnBehind(FrameScanner.Step step) throws IOException {
        long from = step == FrameScanner.Step.FRAME ? scanner.framePosition() : scanner.position();
        endRun();
        if (damages.size() == MAX_DAMAGES) {
            return giveUp(from, "more than " + MAX_DAMAGES + " damages");
        }
        long next = step == FrameScanner.Step.TOO_LONG
                ? from + Format.frameBytes(scanner.payloadBytesOfTooLong())
                : search.next(from + Format.ALIGNMENT, nextLsn - 1);
        if (next != FrameSearch.NONE) {
            add(from, next - from, problem(step));
            scanner.seek(next);
            return true;
        }
        if (search.isExhausted()) {
            return giveUp(from, "too many possible frames to look at all");
        }
        // Zeros are where a segment ends, unless its end is known to be elsewhere.
        return (step != FrameScanner.Step.END || isEndNamed) && giveUp(from, problem(step));
    }

    private boolean giveUp(long from, String why) {
        add(from, endPosition - from, why);
        return false;
    }

    private void add(long position, long bytes, String what) {
        damages.add(new WalSalvage.Damage(header.sequence(), position, bytes, what));
        batchLsns.add(batchLsn);
        batchLsn = 0;
    }

    private String problem(FrameScanner.Step step) {
        return switch (step) {
            case BAD -> scanner.problem();
            case END -> "zeros";
            case TOO_LONG -> "the record is longer than maxRecordBytes";
            case FRAME -> "the frame is out of order";
        };
    }

    // -- what was found

    /**
     * Cuts off what stands behind damage that nothing proves to be any: then a crash tore it, and it is no part of the log.
     * Cuts off a batch without its end, too. For a segment whose end nobody names.
     */
    void cutTorn() {
        for (int at = 0; at < damages.size(); at++) {
            long position = damages.get(at).position();
            if (durableLsn <= lastLsnBefore(position) && syncedPosition <= position) {
                runs.removeIf(run -> run.position() >= position);
                cutBatch(batchLsns.get(at));
                damages.subList(at, damages.size()).clear();
                return;
            }
        }
        cutBatch(batchLsn);
    }

    private void cutBatch(long itsLsn) {
        int last = runs.size() - 1;
        if (itsLsn != 0 && last >= 0) {
            var run = runs.remove(last);
            if (run.firstLsn() < itsLsn) {
                runs.add(run.upTo(itsLsn - 1));
            }
        }
    }

    private long lastLsnBefore(long position) {
        long lsn = open == null ? 0 : open.baseLsn() - 1;
        for (var run : runs) {
            lsn = run.position() < position ? run.lastLsn() : lsn;
        }
        return lsn;
    }

    SegmentHeader header() {
        return header;
    }

    @Nullable
    OpenFrame open() {
        return open;
    }

    List<SalvageRun> runs() {
        return runs;
    }

    List<WalSalvage.Damage> damages() {
        return damages;
    }

    /** The LSN of the first record that the segment had, as far as known; {@link Long#MAX_VALUE} if nothing is. */
    long baseLsn() {
        if (open != null) {
            return open.baseLsn();
        }
        return runs.isEmpty() ? Long.MAX_VALUE : runs.get(0).firstLsn();
    }

    /** The first live LSN that this segment knows. */
    long firstLsn() {
        return firstLsn;
    }

    /** The highest durable LSN that a frame vouches for; -1 for none. */
    long durableLsn() {
        return durableLsn;
    }

    /** Whether the segment is in effect: whole through the LSN that its OPEN frame names, or proven to have been. */
    boolean isEffective() {
        if (open == null) {
            return !runs.isEmpty();
        }
        boolean isWhole = runs.isEmpty()
                ? open.validThroughLsn() < open.baseLsn()
                : runs.get(0).firstLsn() == open.baseLsn() && runs.get(0).lastLsn() >= open.validThroughLsn();
        return isWhole || durableLsn >= open.baseLsn() || syncedPosition > 0;
    }
}
