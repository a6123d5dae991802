package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What is intact in a log, around damage. For a log that {@link Wal#open} refuses with a {@link WalCorruptedException} and of
 * which there is no backup.
 *
 * <p>Of a log that can be opened it finds what opening finds. Of another it finds every record whose checksum is right at its
 * place, in every segment whose header is whole: the checksums of a segment are salted with its header. Nothing is repaired,
 * nothing is guessed, and nothing in the store is changed.
 *
 * <p>Immutable. Needs memory in proportion to the number of damages.
 */
public final class WalSalvage {
    private final WalStore store;
    private final WalOptions options;
    private final @Nullable UUID logId;
    private final long firstLsn;
    private final long lastLsn;
    private final List<SalvageRun> runs;
    private final List<Damage> damages;

    /**
     * Intact records, one after the other in one segment.
     *
     * @param segment the sequence of the segment
     * @param firstLsn the LSN of the first
     * @param lastLsn the LSN of the last
     * @param certain false if a segment that is lost may have given them up by a truncation
     */
    public record Run(long segment, long firstLsn, long lastLsn, boolean certain) {}

    /**
     * A place where a segment makes no sense.
     *
     * @param segment the sequence of the segment
     * @param position where in the segment, in bytes; 0 if all of it is lost
     * @param bytes how many bytes; 0 if the segment is missing
     * @param what what is wrong there
     */
    public record Damage(long segment, long position, long bytes, String what) {}

    /**
     * Records that were in the log and are lost.
     *
     * @param firstLsn the LSN of the first
     * @param lastLsn the LSN of the last
     */
    public record Gap(long firstLsn, long lastLsn) {}

    private WalSalvage(
            WalStore store,
            WalOptions options,
            @Nullable UUID logId,
            long firstLsn,
            long lastLsn,
            List<SalvageRun> runs,
            List<Damage> damages) {
        this.store = store;
        this.options = options;
        this.logId = logId;
        this.firstLsn = firstLsn;
        this.lastLsn = lastLsn;
        this.runs = List.copyOf(runs);
        this.damages = List.copyOf(damages);
    }

    /**
     * Reads all of a log and finds what is intact. Takes no lock; the log should have no owner at the time.
     *
     * @param options the longest record to deliver is in them
     * @throws java.nio.file.NoSuchFileException if the place for the segments does not exist
     * @throws IOException if the medium fails
     */
    public static WalSalvage of(WalStore store, WalOptions options) throws IOException {
        try (var analysis = ReadOnlyWal.analyse(store, options.withVerifyOnOpen(true))) {
            return ofIntact(store, options, analysis);
        } catch (WalException e) {
            var walk = SalvageWalk.over(store, options);
            return new WalSalvage(
                    store, options, walk.logId(), walk.firstLsn(), walk.lastLsn(), walk.runs(), walk.damages());
        }
    }

    private static WalSalvage ofIntact(WalStore store, WalOptions options, Analysis analysis) {
        var runs = new ArrayList<SalvageRun>();
        for (var segment : analysis.chain().segments()) {
            long first = Math.max(segment.baseLsn(), analysis.firstLsn());
            if (first <= segment.lastLsn()) {
                runs.add(new SalvageRun(segment.header(), Format.HEADER_BYTES, first, segment.lastLsn(), true));
            }
        }
        var header = analysis.anyHeader();
        return new WalSalvage(
                store,
                options,
                header == null ? null : header.logId(),
                analysis.firstLsn(),
                analysis.lastLsn(),
                runs,
                List.of());
    }

    /** The id of the log; where segments have different ones, the most common. Null if no header is whole. */
    public @Nullable UUID logId() {
        return logId;
    }

    /** The first record that should be there, as far as known. */
    public long firstLsn() {
        return firstLsn;
    }

    /** The last record that is known to have been there; there may have been more. {@code firstLsn() - 1} for none. */
    public long lastLsn() {
        return Math.max(lastLsn, firstLsn - 1);
    }

    /** What is intact, in order of LSN. */
    public List<Run> runs() {
        return runs.stream().map(SalvageRun::info).toList();
    }

    /** What is damaged, in order of segments; empty if the log can be opened. */
    public List<Damage> damages() {
        return damages;
    }

    /** Which records are known to be lost, in order of LSN. Behind the last there may be more. */
    public List<Gap> gaps() {
        var gaps = new ArrayList<Gap>();
        long next = firstLsn;
        for (var run : runs) {
            if (run.firstLsn() > next) {
                gaps.add(new Gap(next, run.firstLsn() - 1));
            }
            next = run.lastLsn() + 1;
        }
        if (next <= lastLsn) {
            gaps.add(new Gap(next, lastLsn));
        }
        return gaps;
    }

    /**
     * A cursor over what is intact, in order of LSN. It passes over gaps, so that LSNs may jump, and never waits.
     */
    public WalCursor cursor() {
        return new SalvageCursor(store, options.maxRecordBytes(), runs);
    }

    /**
     * Opens a new log whose first record will have a given LSN, so that what was salvaged can keep its LSNs.
     *
     * @param target an empty store, never that of the damaged log
     * @param firstLsn from 1
     * @throws FileAlreadyExistsException if there is a segment in it
     * @throws IOException as {@link Wal#open(WalStore, WalOptions)} does
     */
    public static Wal newLog(WalStore target, WalOptions options, long firstLsn) throws IOException {
        if (firstLsn < 1 || firstLsn > Format.MAX_LSN) {
            throw new IllegalArgumentException("firstLsn is " + firstLsn + ", expected 1 to " + Format.MAX_LSN);
        }
        var lock = target.lock();
        try {
            begin(target, firstLsn);
        } finally {
            lock.close();
        }
        return Wal.open(target, options);
    }

    /** A closed log without records. */
    private static void begin(WalStore target, long firstLsn) throws IOException {
        if (target.segments().length > 0) {
            throw new FileAlreadyExistsException(target + ": has segments already");
        }
        var header = SegmentHeader.ofNewLog(1);
        var frames = FrameBuffer.onHeap(1024);
        frames.begin(Format.salt(header), Format.HEADER_BYTES);
        frames.putOpen(new OpenFrame(0, 0, 0, firstLsn, firstLsn, 0, firstLsn - 1, OpenFrame.Reason.NEW));
        frames.putMark(Format.CLOSE, frames.endPosition(), firstLsn - 1, firstLsn - 1);
        try (var writer = target.create(1, Format.encodeHeader(header), 0)) {
            writer.append(frames.frames());
            writer.sync();
        }
    }
}
