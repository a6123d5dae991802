package dev.kwal;

import dev.kwal.storage.SegmentWriter;
import dev.kwal.storage.SingleFileStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A record log in one file: for manifests, side files, and programs that need no more. The file is a segment in the format of
 * the log, so that every reader of logs reads it: {@code Wal.openReadOnly(SingleFileStore.of(file), options)} and the command
 * line, for example.
 *
 * <p>What it promises is what a {@link Wal} promises: records have LSNs 1, 2, 3, …; {@link #append} survives the end of the
 * process, {@link #sync} a loss of power; what comes back is a prefix of what was appended that contains all that was synced;
 * what a crash tore is cut off and reported, and damage to synced records is an error that changes nothing, as far as records
 * behind them, or {@link #close()}, tell.
 *
 * <p>What it has not: group commit, batches, checkpoints, a second file at any time but the moment it is created, and a lock.
 * One object at a time may have the file open; whoever has the lock of the directory sees to that. Bounded: by
 * {@link WalOptions#segmentBytes()}, and in memory by the longest record.
 *
 * <p>Thread-safe. Interrupts change nothing. Fail-stop: after a failed write or sync every call but reading gets a
 * {@link WalFailedException}; open it again to go on. Every method throws {@link WalClosedException} after {@link #close()},
 * and the accessors keep their last values.
 */
public final class RecordFile implements Closeable {
    private static final long SEQUENCE = 1;
    private static final int BLOCK_BYTES = 64 << 10;
    private static final long MARK_BYTES = Format.frameBytes(Format.POSITION_PAYLOAD_BYTES);

    private final SingleFileStore store;
    private final WalOptions options;
    private final RecoveryReport recovery;
    private final RecordFileView view;
    private final int salt;
    private final ReentrantLock lock = new ReentrantLock();

    private FrameBuffer frames = FrameBuffer.onHeap(BLOCK_BYTES);
    private @Nullable SegmentWriter writer;
    private long position;
    private boolean isEnded;
    private volatile long durableLsn;
    private volatile @Nullable Throwable failure;
    private volatile boolean isClosed;

    private RecordFile(SingleFileStore store, WalOptions options, TailScan tail, RecoveryReport recovery) {
        this.store = store;
        this.options = options;
        this.recovery = recovery;
        this.view = new RecordFileView(tail);
        this.salt = Format.salt(tail.header());
        this.isEnded = tail.isClosed();
        this.position = isEnded ? tail.closePosition() : tail.endPosition();
        this.durableLsn = tail.lastLsn();
    }

    /**
     * Opens a file with default options, creating it where missing.
     *
     * @throws IOException as {@link #open(SingleFileStore, WalOptions)} does
     */
    public static RecordFile open(Path file) throws IOException {
        return open(SingleFileStore.of(file), WalOptions.DEFAULT);
    }

    /**
     * Opens a file, creating it where missing. What a crash tore at its end is cut off; {@link #recovery()} says so. On return
     * the file, its name and every record up to {@link #lastLsn()} survive a loss of power.
     *
     * @param options of these it takes {@code segmentBytes}, the size up to which it grows, {@code maxRecordBytes} and
     *     {@code expectAtLeast}
     * @throws WalCorruptedException if synced data is damaged or missing, or the beginning of the file is; nothing was changed
     * @throws WalFormatException if it is no such file, or has a record longer than the limit, or is a sealed segment of a log;
     *     nothing was changed
     * @throws java.nio.file.FileSystemException if there is something else than a file, or it cannot be created or written
     * @throws IOException if the medium fails; nothing was lost
     */
    public static RecordFile open(SingleFileStore store, WalOptions options) throws IOException {
        return open(store, options, false);
    }

    /**
     * Opens a file, creating it where missing, and refuses a torn end instead of cutting it off.
     *
     * @throws WalCorruptedException also if the end is torn; nothing was changed
     * @throws IOException as {@link #open(SingleFileStore, WalOptions)} does
     */
    public static RecordFile openStrict(SingleFileStore store, WalOptions options) throws IOException {
        return open(store, options, true);
    }

    private static RecordFile open(SingleFileStore store, WalOptions options, boolean isStrict) throws IOException {
        try {
            createIfMissing(store);
            try (var analysis = Analysis.of(store, options)) {
                var tail = checked(analysis, isStrict);
                makeDurable(store, analysis, tail);
                return new RecordFile(store, options, tail, analysis.report(0, 0));
            }
        } catch (Throwable t) {
            WalException.note(t, store);
            throw t;
        }
    }

    private static void createIfMissing(SingleFileStore store) throws IOException {
        try {
            store.segments();
        } catch (NoSuchFileException missing) {
            var header = SegmentHeader.ofNewLog(SEQUENCE);
            var open = FrameBuffer.onHeap(128);
            open.begin(Format.salt(header), Format.HEADER_BYTES);
            open.putOpen(new OpenFrame(0, 0, 0, 1, 1, 0, 0, OpenFrame.Reason.NEW));
            var bytes = Format.buffer(Format.HEADER_BYTES + open.fill());
            bytes.put(Format.encodeHeader(header)).put(open.frames()).flip();
            store.create(SEQUENCE, bytes, 0).close();
        }
    }

    /** Header and OPEN were there before the file got its name. */
    private static TailScan checked(Analysis analysis, boolean isStrict) throws WalException {
        var tail = analysis.tail();
        if (tail == null) {
            throw new WalCorruptedException(SEQUENCE, 0, 1, "the beginning of the file is damaged or missing");
        }
        if (tail.isSealed()) {
            throw new WalFormatException(SEQUENCE, "sealed, as a segment of a log that goes on in another");
        }
        var report = analysis.report(0, 0);
        if (isStrict && report.end() == RecoveryReport.End.TORN) {
            throw new WalCorruptedException(SEQUENCE, report.tornPosition(), tail.lastLsn() + 1, "the end is torn");
        }
        return tail;
    }

    /** What is torn is cut off, because what is appended could make frames behind it whole again. */
    private static void makeDurable(SingleFileStore store, Analysis analysis, TailScan tail) throws IOException {
        boolean isUnproven = analysis.verdict().action() == RecoveryTable.Action.COPY;
        if (isUnproven || tail.reader().size() > tail.endPosition()) {
            store.settle(isUnproven ? analysis.provenPosition() : tail.endPosition(), tail.endPosition());
        }
    }

    // -- append

    /**
     * Appends a record. It survives the end of the process on return.
     *
     * @throws IOException as {@link #append(ByteBuffer)} does
     */
    public long append(byte[] record) throws IOException {
        return append(ByteBuffer.wrap(record));
    }

    /**
     * Appends a record. It survives the end of the process on return.
     *
     * @param record from its position to its limit; not kept, its position and limit untouched
     * @return its LSN
     * @throws IllegalArgumentException if it is longer than {@code maxRecordBytes}
     * @throws WalNoSpaceException if the file would become longer than {@code segmentBytes}; it was not appended, and a shorter
     *     one may be
     * @throws WalFailedException if the write fails, for lack of space too, or an earlier one did; the outcome is unknown
     * @throws WalClosedException after close
     * @throws IOException if the file cannot be opened for the first append; it was not appended, and may be tried again
     */
    public long append(ByteBuffer record) throws IOException {
        FrameGroup.checkLength(record.remaining(), options);
        lock.lock();
        try {
            checkUsable();
            reserve(record.remaining());
            begin();
            long lsn = view.lastLsn() + 1;
            long at = frames.endPosition();
            frames.putRecord(record, Format.SINGLE, lsn, durableLsn);
            write();
            view.added(lsn, at);
            return lsn;
        } finally {
            shrink();
            lock.unlock();
        }
    }

    /**
     * Appends a record and syncs: it survives a loss of power on return.
     *
     * @throws IOException as {@link #append(ByteBuffer)} does
     */
    public long appendAndSync(byte[] record) throws IOException {
        lock.lock();
        try {
            long lsn = append(record);
            sync();
            return lsn;
        } finally {
            lock.unlock();
        }
    }

    /**
     * A barrier: on return every record appended before the call survives a loss of power.
     *
     * @throws WalFailedException if the flush fails, or something before did; the outcome of records behind
     *     {@link #durableLsn()} is unknown
     * @throws WalClosedException after close
     */
    public void sync() throws IOException {
        lock.lock();
        try {
            checkUsable();
            var open = writer;
            if (open != null && durableLsn < view.lastLsn()) {
                orFail(open::sync);
                durableLsn = view.lastLsn();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Makes room in memory, if there is room in the file: for the record, and behind it for the mark that closes. */
    private void reserve(int recordBytes) throws WalNoSpaceException {
        long bytes = (isEnded ? MARK_BYTES : 0) + Format.frameBytes(recordBytes);
        if (position + bytes + MARK_BYTES > options.segmentBytes()) {
            throw new WalNoSpaceException(new IOException("the file has " + position + " bytes and would have "
                    + (position + bytes + MARK_BYTES) + ", more than segmentBytes " + options.segmentBytes()));
        }
        if (!frames.hasRoomFor(bytes)) {
            frames = FrameBuffer.onHeap((int) Math.max(BLOCK_BYTES, bytes + MARK_BYTES));
        }
    }

    private void shrink() {
        if (frames.fill() > BLOCK_BYTES) {
            frames = FrameBuffer.onHeap(BLOCK_BYTES);
        }
    }

    /** Begins what is written next, with a mark in the place of one that closed. */
    private void begin() throws IOException {
        if (writer == null) {
            writer = store.resume(SEQUENCE, position, 0);
        }
        frames.begin(salt, position);
        if (isEnded) {
            frames.putMark(Format.MARK, position, view.lastLsn(), view.lastLsn());
        }
    }

    private void write() throws IOException {
        var open = writer;
        if (open == null) {
            throw new IllegalStateException("the file is not open for writing");
        }
        orFail(() -> open.append(frames.frames()));
        position = frames.endPosition();
        isEnded = false;
    }

    private void orFail(WritePath.Work work) throws IOException {
        try {
            work.run();
        } catch (Throwable t) {
            failure = t;
            throw new WalFailedException(durableLsn, t);
        }
    }

    private void checkUsable() throws WalException {
        if (isClosed) {
            throw new WalClosedException();
        }
        var earlier = failure;
        if (earlier != null) {
            throw new WalFailedException(durableLsn, earlier);
        }
    }

    // -- reading

    /**
     * A cursor over everything from a record to the last at the time of the call, synced or not. After a failure it ends with
     * the last durable record. Goes on after {@link #close()}.
     *
     * @param fromLsn from 1 to {@code lastLsn() + 1}; 0 stands for the first
     * @throws IllegalArgumentException if {@code fromLsn} is out of that range
     * @throws WalClosedException after close
     */
    public WalCursor replay(long fromLsn) throws WalClosedException {
        if (isClosed) {
            throw new WalClosedException();
        }
        long last = failure == null ? view.lastLsn() : durableLsn;
        long from = fromLsn == 0 ? view.firstLsn() : fromLsn;
        if (from < view.firstLsn() || from > last + 1) {
            throw new IllegalArgumentException(
                    "fromLsn is " + from + ", expected " + view.firstLsn() + " to " + (last + 1));
        }
        return new LogCursor(store, options, view, from, last, Durability.WRITTEN, false, FrameScanner.BLOCK_BYTES);
    }

    /** The last record that was appended; 0 if there is none. */
    public long lastLsn() {
        return view.lastLsn();
    }

    /** The last record that is known to survive a loss of power; 0 if none is. */
    public long durableLsn() {
        return durableLsn;
    }

    /** How many bytes the file has. */
    public long sizeBytes() {
        lock.lock();
        try {
            return isEnded ? position + MARK_BYTES : position;
        } finally {
            lock.unlock();
        }
    }

    /** What opening found. {@code UNCLOSED} for a file that was just made. */
    public RecoveryReport recovery() {
        return recovery;
    }

    /**
     * Syncs, and marks the file as closed, so that damage anywhere is noticed when it is opened. Idempotent.
     *
     * @throws WalFailedException if the file has failed before, or fails now
     * @throws IOException if the file cannot be closed
     */
    @Override
    public void close() throws IOException {
        lock.lock();
        try {
            if (isClosed) {
                return;
            }
            try {
                end();
            } finally {
                isClosed = true;
                var open = writer;
                if (open != null) {
                    open.close();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void end() throws IOException {
        sync();
        if (!isEnded) {
            begin();
            frames.putMark(Format.CLOSE, position, view.lastLsn(), durableLsn);
            write();
            var open = writer;
            if (open != null) {
                orFail(open::sync);
            }
            isEnded = true;
            position -= MARK_BYTES;
        }
    }

    /** The file. */
    @Override
    public String toString() {
        return "record file in " + store + ", records up to " + lastLsn() + ", durable through " + durableLsn;
    }
}
