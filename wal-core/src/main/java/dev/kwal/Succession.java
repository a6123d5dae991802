package dev.kwal;

import dev.kwal.storage.SegmentWriter;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Begins, seals, drops and cuts segments.
 *
 * <p>Always: the chain is what an analysis of the disk would find; a segment is begun only after its predecessor was synced
 * up to the end that it names; the first live LSN is durable before a segment is deleted. Its verbs run as exclusive work of
 * the write path, one at a time; its accessors may be called by any thread.
 */
final class Succession {
    private final WalStore store;
    private final WalOptions options;
    private final WritePath path;
    private final Progress progress;
    private final SegmentSource source;
    private final Quota quota;

    private final ReentrantLock chainLock = new ReentrantLock();
    private final Truncations truncations = new Truncations();
    private volatile SegmentChain chain;
    private volatile long firstLsn;
    private volatile @Nullable TailCopy pendingCopy;
    private boolean needsCloseMark;
    private volatile Consumer<SegmentInfo> onSealed = segment -> {};

    Succession(
            WalStore store,
            WalOptions options,
            WritePath path,
            Progress progress,
            SegmentSource source,
            Quota quota,
            SegmentChain chain,
            long firstLsn) {
        this.store = store;
        this.options = options;
        this.path = path;
        this.progress = progress;
        this.source = source;
        this.quota = quota;
        quota.changed(chain);
        this.chain = chain;
        this.firstLsn = firstLsn;
    }

    /** Has somebody told of each segment that is sealed and durable; by exclusive work, so it must neither wait nor throw. */
    void onSealed(Consumer<SegmentInfo> listener) {
        onSealed = listener;
    }

    SegmentChain chain() {
        return chain;
    }

    Truncations truncations() {
        return truncations;
    }

    /** A segment may be begun while dropped ones are being deleted: each change starts from the one before. */
    private void change(UnaryOperator<SegmentChain> change) {
        chainLock.lock();
        try {
            chain = change.apply(chain);
            quota.changed(chain);
        } finally {
            chainLock.unlock();
        }
    }

    long firstLsn() {
        return firstLsn;
    }

    /** A copy of the tail that must be made before anything can be appended. */
    void copyLater(TailCopy copy) {
        pendingCopy = copy;
    }

    boolean isCopyPending() {
        return pendingCopy != null;
    }

    /** The log ends without a close mark. */
    void needCloseMark() {
        needsCloseMark = true;
    }

    /** Makes sure that there is a segment with room for a group: seals the current one and begins the next if need be. */
    void makeRoomFor(long frameBytes) throws IOException {
        progress.checkUsable();
        if (copyTail(firstLsn)) {
            return;
        }
        if (path.hasSegmentFor(frameBytes)) {
            admit(() -> quota.checkCurrent(path.endPosition(), frameBytes));
            if (hasSpaceFor(frameBytes)) {
                return;
            }
        }
        admit(() -> quota.checkNext(path.endPosition(), frameBytes));
        rotate(path.segment() == null ? SegmentSource.Size.SMALL : SegmentSource.Size.FULL, firstLsn);
    }

    /** Has the quota asked. To be over it is as good as a full disk. */
    private void admit(WritePath.Work check) throws IOException {
        try {
            check.run();
        } catch (Quota.Exceeded e) {
            source.failed(e);
            throw new WalNoSpaceException(e);
        }
    }

    /** Prepares space in the current segment. If there is none, the next segment will do, if it is ready. */
    private boolean hasSpaceFor(long frameBytes) throws WalNoSpaceException {
        try {
            path.prepareFor(frameBytes);
            return true;
        } catch (IOException e) {
            if (source.isReady()) {
                return false;
            }
            source.failed(e);
            throw new WalNoSpaceException(e);
        }
    }

    /** Makes the copy that opening could not make. */
    boolean copyTail() throws IOException {
        return copyTail(firstLsn);
    }

    /** Makes it without the records before a first live LSN. */
    private boolean copyTail(long liveLsn) throws IOException {
        var copy = pendingCopy;
        if (copy == null) {
            return false;
        }
        var copied = copy.run(source, liveLsn);
        pendingCopy = null;
        var before = chain();
        adopt(copied);
        copy.close();
        before.segments().stream()
                .map(Segment::sequence)
                .filter(sequence -> !chain().holds(sequence))
                .forEach(sequence -> WorthlessSegment.delete(store, sequence));
        return true;
    }

    /** Goes on in the segment that a copy made. */
    void adopt(TailCopy.Result copied) {
        progress.synced(copied.lastLsn());
        path.begin(copied.segment());
        change(before -> copied.chain());
    }

    /** Seals the current segment, if there is one, and begins the next. */
    private void rotate(SegmentSource.Size size, long liveLsn) throws IOException {
        path.count(Meter::rotating);
        var next = source.take(size);
        orFail(next, () -> {
            var current = path.segment();
            if (current == null) {
                begin(next, null, successorOf(chain(), liveLsn));
                return;
            }
            path.drain();
            seal(current);
            long end = current.writtenPosition();
            closeWriter(current.writer());
            var link = new OpenFrame(
                    current.header().sequence(),
                    current.header().nonce(),
                    end,
                    progress.lastLsn() + 1,
                    liveLsn,
                    progress.epoch(),
                    progress.lastLsn(),
                    OpenFrame.Reason.ROTATE);
            var ended = chain().last().endingAt(progress.lastLsn(), end, true);
            begin(next, ended, link);
            onSealed.accept(ended.info());
        });
        path.count(meter -> meter.rotated(next.header().sequence()));
    }

    /** All that counts of the segment is synced, or lost; space that cannot be given back is no reason to fail. */
    private static void closeWriter(SegmentWriter writer) {
        try {
            writer.close();
        } catch (IOException e) {
            return;
        }
    }

    private void seal(ActiveSegment current) throws IOException {
        long base = current.open().baseLsn();
        var seal = new SealFrame(base, progress.lastLsn() - base + 1, current.index());
        path.putControl(frames -> frames.putSeal(seal, progress.lastLsn(), progress.durableLsn()));
        path.drain();
    }

    /** How a segment is linked to the end of a chain that nobody is writing to. */
    private OpenFrame successorOf(SegmentChain ended, long liveLsn) {
        if (ended.isEmpty()) {
            return new OpenFrame(0, 0, 0, 1, 1, progress.epoch(), 0, OpenFrame.Reason.NEW);
        }
        var last = ended.last();
        return new OpenFrame(
                last.sequence(),
                last.header().nonce(),
                last.endPosition(),
                progress.lastLsn() + 1,
                liveLsn,
                progress.epoch(),
                progress.lastLsn(),
                OpenFrame.Reason.RECOVERY);
    }

    private void begin(SegmentSource.Prepared next, @Nullable Segment endedLast, OpenFrame open) throws IOException {
        path.begin(new ActiveSegment(next.header(), open, next.writer(), new SparseIndex(), Format.HEADER_BYTES));
        path.putControl(frames -> frames.putOpen(open));
        var growing = Segment.growing(next.header(), open);
        change(before -> before.with(endedLast, growing));
        needsCloseMark = false;
    }

    /** Rotates by hand: the next segment is begun, durably. */
    void rotateNow() throws IOException {
        progress.checkUsable();
        copyTail();
        var current = path.segment();
        if (current != null && path.terms().hasRecords(current)) {
            admit(() -> quota.checkNext(path.endPosition(), 0));
            rotate(SegmentSource.Size.FULL, firstLsn);
            path.drain();
        }
    }

    // -- checkpoint

    /**
     * Makes a first live LSN durable.
     *
     * @return the newest segment that is begun durably: those before it may be deleted
     */
    long advanceHead(long newFirstLsn) throws IOException {
        progress.checkUsable();
        copyTail(Math.max(firstLsn, newFirstLsn));
        path.drain();
        if (newFirstLsn <= firstLsn) {
            return chain().isEmpty() ? 0 : chain().last().sequence();
        }
        if (path.segment() == null || !hasSpaceForHead()) {
            rotate(SegmentSource.Size.URGENT, newFirstLsn);
        } else {
            path.putControl(frames -> frames.putHead(newFirstLsn, progress.lastLsn(), progress.durableLsn()));
        }
        path.drain();
        firstLsn = newFirstLsn;
        return chain().last().sequence();
    }

    /** A segment without any space left is sealed instead, and the next one, made of the reserve if need be, begins there. */
    private boolean hasSpaceForHead() {
        try {
            path.prepareFor(Format.frameBytes(Format.POSITION_PAYLOAD_BYTES));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Deletes whole segments before the first live LSN, oldest first.
     *
     * @param keptSequence this one holds the first live LSN durably; one begun since may be in the buffer only
     * @return how many
     */
    int deleteDropped(long keptSequence) throws IOException {
        int deleted = 0;
        while (chain().segments().size() > 1
                && chain().segments().get(0).sequence() < keptSequence
                && chain().segments().get(1).baseLsn() <= firstLsn) {
            try {
                store.delete(chain().segments().get(0).sequence());
            } catch (NoSuchFileException e) {
                // Deleted already, by an earlier attempt whose directory flush failed.
                deleted--;
            }
            change(SegmentChain::withoutFirst);
            deleted++;
        }
        return deleted;
    }

    // -- truncation

    /** Gives up every record behind {@code lsn}, durably, in a new epoch. */
    void truncateAfter(long lsn) throws IOException {
        progress.checkUsable();
        copyTail();
        path.drain();
        if (lsn < firstLsn - 1 || lsn > progress.lastLsn()) {
            throw new IllegalArgumentException(
                    "lsn is " + lsn + ", expected " + (firstLsn - 1) + " to " + progress.lastLsn());
        }
        if (lsn == progress.lastLsn()) {
            return;
        }
        var holder = chain().find(lsn);
        var ended = holder == null ? null : holder.endingAt(lsn, endOf(holder, lsn), false);
        var next = source.take(SegmentSource.Size.SMALL);
        var before = chain();
        orFail(next, () -> cut(before, lsn, ended, next));
        for (var segment : before.segments()) {
            if (ended == null || segment.sequence() > ended.sequence()) {
                // What cannot be deleted is left to the next open: dead by the OPEN frame that was just synced.
                WorthlessSegment.delete(store, segment.sequence());
            }
        }
    }

    private void cut(SegmentChain before, long lsn, @Nullable Segment ended, SegmentSource.Prepared next)
            throws IOException {
        var current = path.segment();
        var open = new OpenFrame(
                ended == null ? 0 : ended.sequence(),
                ended == null ? 0 : ended.header().nonce(),
                ended == null ? 0 : ended.endPosition(),
                lsn + 1,
                firstLsn,
                progress.epoch() + 1,
                lsn,
                OpenFrame.Reason.TRUNCATE);
        path.begin(new ActiveSegment(next.header(), open, next.writer(), new SparseIndex(), Format.HEADER_BYTES));
        path.putControl(frames -> frames.putOpen(open));
        try {
            cutAt(before, lsn, ended, next, open);
        } finally {
            if (current != null) {
                closeWriter(current.writer());
            }
        }
    }

    private void cutAt(
            SegmentChain before, long lsn, @Nullable Segment ended, SegmentSource.Prepared next, OpenFrame open)
            throws IOException {
        path.drain();
        path.putControl(frames -> frames.putMark(Format.MARK, frames.endPosition(), lsn, lsn));
        path.drain();
        truncations.add(open.epoch(), open.baseLsn());
        // Watermarks first: a cursor must not look for a record of the old epoch in the new chain.
        progress.cutTo(lsn, open.epoch());
        change(now -> before.cutTo(ended).with(null, Segment.growing(next.header(), open)));
    }

    private long endOf(Segment segment, long lsn) throws IOException {
        try (var scanner = new FrameScanner(
                store.open(segment.sequence()), segment.header(), options.maxRecordBytes(), FrameScanner.BLOCK_BYTES)) {
            var index = path.indexOf(segment.sequence());
            if (index != null) {
                scanner.seek(index.floor(lsn, Format.HEADER_BYTES));
            }
            while (scanner.next() == FrameScanner.Step.FRAME) {
                if (scanner.kind() == Format.RECORD && scanner.lsn() == lsn) {
                    return scanner.position();
                }
            }
            throw new WalCorruptedException(segment.sequence(), scanner.position(), lsn, scanner.problem());
        }
    }

    // -- close

    /** Writes and syncs the close mark. */
    void markClosed() throws IOException {
        copyTail();
        if (path.segment() == null && needsCloseMark && source.failure() == null) {
            try {
                rotate(SegmentSource.Size.URGENT, firstLsn);
            } catch (WalNoSpaceException e) {
                // Without a segment there is no mark. All records are durable; the next open scans for them.
                return;
            }
        }
        var current = path.segment();
        if (current == null) {
            return;
        }
        path.drain();
        path.putControl(frames ->
                frames.putMark(Format.CLOSE, current.syncedPosition(), progress.lastLsn(), progress.durableLsn()));
        path.drain();
    }

    /** Gives back what a copy that was never made holds. */
    void close() throws IOException {
        var copy = pendingCopy;
        if (copy != null) {
            copy.close();
        }
    }

    /** Runs what takes the next segment into use and cannot be taken back: an error fails the log. */
    private void orFail(SegmentSource.Prepared next, WritePath.Work work) throws IOException {
        try {
            work.run();
        } catch (Throwable t) {
            progress.fail(t);
            var current = path.segment();
            if (current == null || current.writer() != next.writer()) {
                closeWriter(next.writer());
            }
            progress.checkNotFailed();
            throw t;
        }
    }
}
