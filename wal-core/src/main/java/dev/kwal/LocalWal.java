package dev.kwal;

import dev.kwal.storage.FileStore;
import dev.kwal.storage.StoreCapabilities;
import dev.kwal.storage.WalStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A log in one store, owned by this process: the facade over write path, succession and cursors.
 *
 * <p>Always: the store's lock is held from open to close. Operations on whole segments run one at a time under the
 * life-cycle lock.
 */
final class LocalWal implements Wal {
    private static final String GOES_ON = "it goes on in the background";

    private final WalOptions options;
    private final WalStore store;
    private final Closeable storeLock;
    private final Background background;
    private final LimitedCalls calls;
    private final WritePath path;
    private final Progress progress;
    private final SegmentSource source;
    private final Succession succession;
    private final Chores chores;
    private final Observers observers;
    private final RecoveryReport recovery;
    private final Appender appender;
    /** What its cursors see of it. */
    final LogView view;

    private final LifeCycle lifeCycle;
    private final Retaining retaining;
    private final Writers writers;
    /** Who is shut out by nobody. */
    private final WalWriter anybody;

    private boolean isClosed;
    private @Nullable Future<?> closing;

    private LocalWal(
            WalOptions options,
            WalStore store,
            Closeable storeLock,
            Opening opening,
            Background background,
            InstantSource clock) {
        this.options = options;
        this.store = store;
        this.storeLock = storeLock;
        this.background = background;
        this.calls = new LimitedCalls(background.calls());
        this.path = opening.path();
        this.progress = opening.progress();
        this.source = opening.source();
        this.succession = opening.succession();
        this.observers = opening.observers();
        this.recovery = opening.report();
        this.chores = new Chores(options, path, progress, source, background.chores());
        this.lifeCycle = new LifeCycle(progress, observers);
        this.retaining = new Retaining(options, store, opening, lifeCycle, background.chores(), clock);
        this.appender = new Appender(options, store, path, progress, succession, retaining.dropping(), chores, calls);
        this.writers = new Writers(options, opening, lifeCycle, appender);
        this.anybody = new WalWriter(options, appender, Precondition.ANY);
        this.view = new PathView(path, progress, succession);
    }

    static Wal open(WalStore store, WalOptions options) throws IOException {
        return open(store, options, Background.start(), InstantSource.system(), System::nanoTime);
    }

    /** Opens with an executor for everything that happens in the background; it is shut down by close. */
    static LocalWal open(WalStore store, WalOptions options, ScheduledExecutorService background) throws IOException {
        return open(store, options, background, InstantSource.system(), System::nanoTime);
    }

    /** And with clocks, one of the world and one to measure with. */
    static LocalWal open(
            WalStore store,
            WalOptions options,
            ScheduledExecutorService background,
            InstantSource clock,
            LongSupplier nanos)
            throws IOException {
        return open(store, options, new Background(background, background), clock, nanos);
    }

    private static LocalWal open(
            WalStore store, WalOptions options, Background background, InstantSource clock, LongSupplier nanos)
            throws IOException {
        var meter = new Meter(nanos, Flight.begin());
        Closeable lock = null;
        try {
            lock = store.lock();
            var opening = Opening.of(store, options, background.chores(), meter);
            var wal = new LocalWal(options, store, lock, opening, background, clock);
            lock = wal;
            wal.path.count(counting -> counting.recovered(opening.report()));
            wal.date();
            return wal;
        } catch (Throwable t) {
            WalException.note(t, store);
            background.shutdown();
            if (lock != null) {
                closeAfter(t, lock);
            }
            throw t;
        }
    }

    /** Goes on from the last timestamp that there is. */
    private void date() throws IOException {
        if (options.clock() != WalOptions.NO_CLOCK) {
            appender.dateBy(new Timestamps(options.clock(), new DatedRecords(this).lastOf(succession.chain())));
        }
    }

    private static void closeAfter(Throwable thrown, Closeable resource) {
        try {
            resource.close();
        } catch (IOException e) {
            thrown.addSuppressed(e);
        }
    }

    // -- append

    @Override
    public long append(ByteBuffer record) throws IOException {
        return append(record, options.defaultLevel());
    }

    @Override
    public long append(ByteBuffer record, Durability level) throws IOException {
        return appender.append(record, level, Deadline.NEVER);
    }

    @Override
    public long append(ByteBuffer record, Durability level, Duration timeout) throws IOException {
        return appender.append(record, level, Deadline.after(timeout));
    }

    @Override
    public long appendBatch(List<ByteBuffer> records) throws IOException {
        return appendBatch(records, options.defaultLevel());
    }

    @Override
    public long appendBatch(List<ByteBuffer> records, Durability level) throws IOException {
        return appender.append(FrameGroup.of(records, options), level, Deadline.NEVER);
    }

    @Override
    public long appendBatch(List<ByteBuffer> records, Durability level, Duration timeout) throws IOException {
        return appender.append(FrameGroup.of(records, options), level, Deadline.after(timeout));
    }

    @Override
    public long tryAppend(ByteBuffer record) throws IOException {
        return appender.tryAppend(record);
    }

    @Override
    public long tryAppendBatch(List<ByteBuffer> records) throws IOException {
        return appender.tryAppend(FrameGroup.of(records, options));
    }

    @Override
    public WalTicket appendAsync(ByteBuffer record, Durability level) throws IOException {
        return appender.appendAsync(FrameGroup.of(record, options), level, Deadline.NEVER);
    }

    @Override
    public WalTicket appendAsync(ByteBuffer record, Durability level, Duration timeout) throws IOException {
        return appender.appendAsync(FrameGroup.of(record, options), level, Deadline.after(timeout));
    }

    @Override
    public WalTicket appendBatchAsync(List<ByteBuffer> records, Durability level) throws IOException {
        return appender.appendAsync(FrameGroup.of(records, options), level, Deadline.NEVER);
    }

    @Override
    public WalTicket appendBatchAsync(List<ByteBuffer> records, Durability level, Duration timeout) throws IOException {
        return appender.appendAsync(FrameGroup.of(records, options), level, Deadline.after(timeout));
    }

    // -- append under a condition

    @Override
    public long appendIf(long expectedNextLsn, ByteBuffer record, Durability level) throws IOException {
        return anybody.appendIf(expectedNextLsn, record, level);
    }

    @Override
    public long appendIf(long expectedNextLsn, ByteBuffer record, Durability level, Duration timeout)
            throws IOException {
        return anybody.appendIf(expectedNextLsn, record, level, timeout);
    }

    @Override
    public long appendBatchIf(long expectedNextLsn, List<ByteBuffer> records, Durability level) throws IOException {
        return anybody.appendBatchIf(expectedNextLsn, records, level);
    }

    @Override
    public long appendBatchIf(long expectedNextLsn, List<ByteBuffer> records, Durability level, Duration timeout)
            throws IOException {
        return anybody.appendBatchIf(expectedNextLsn, records, level, timeout);
    }

    @Override
    public WalWriter tagged(int tag) {
        return anybody.tagged(tag);
    }

    @Override
    public WalWriter beginWriting() throws IOException {
        return writers.begin();
    }

    // -- commit

    @Override
    public long sync() throws IOException {
        return appender.sync(Deadline.NEVER);
    }

    @Override
    public long sync(Duration timeout) throws IOException {
        return appender.sync(Deadline.after(timeout));
    }

    @Override
    public long commit(long lsn, Durability level) throws IOException {
        return appender.commit(lsn, level, Deadline.NEVER);
    }

    @Override
    public long commit(long lsn, Durability level, Duration timeout) throws IOException {
        return appender.commit(lsn, level, Deadline.after(timeout));
    }

    // -- life cycle

    @Override
    public void rotate() throws IOException {
        lifeCycle.whole(() -> path.exclusively(succession::rotateNow));
    }

    @Override
    public void rotate(Duration timeout) throws IOException {
        calls.within(Deadline.after(timeout), GOES_ON, this::rotate);
    }

    @Override
    public int checkpoint(long lsn) throws IOException {
        return retaining.dropping().checkpoint(lsn);
    }

    @Override
    public int checkpoint(long lsn, Duration timeout) throws IOException {
        var deleted = new AtomicInteger();
        calls.within(Deadline.after(timeout), GOES_ON, () -> deleted.set(checkpoint(lsn)));
        return deleted.get();
    }

    @Override
    public void truncateAfter(long lsn) throws IOException {
        retaining.dropping().truncateAfter(lsn);
    }

    @Override
    public void truncateAfter(long lsn, Duration timeout) throws IOException {
        calls.within(Deadline.after(timeout), GOES_ON, () -> truncateAfter(lsn));
    }

    @Override
    public void close() throws IOException {
        lifeCycle.last(() -> {
            if (!isClosed) {
                isClosed = true;
                closeNow();
            }
        });
    }

    @Override
    public void close(Duration timeout) throws IOException {
        var deadline = Deadline.after(timeout);
        progress.close();
        var closing = closeLater();
        if (closing != null) {
            calls.await(closing, deadline, GOES_ON);
        }
    }

    /** Null if it is closed already. */
    private synchronized @Nullable Future<?> closeLater() {
        if (closing == null) {
            try {
                closing = calls.submit(this::close);
            } catch (WalClosedException e) {
                return null;
            }
        }
        return closing;
    }

    private void closeNow() throws IOException {
        progress.close();
        try {
            closeAll(this::markClosed, this::closeSegment, succession::close, source::close, storeLock);
        } finally {
            progress.release();
            background.shutdown();
            observers.close();
            retaining.close();
        }
        if (progress.durableLsn() < progress.lastLsn() && store.capabilities().survivesPowerLoss()) {
            progress.checkNotFailed();
        }
    }

    private void markClosed() throws IOException {
        if (!progress.isFailed()) {
            path.exclusively(succession::markClosed);
        }
    }

    private void closeSegment() throws IOException {
        path.exclusively(() -> {
            var segment = path.segment();
            if (segment != null) {
                segment.writer().close();
            }
        });
    }

    /** Closes everything, whatever each of them throws. */
    private static void closeAll(Closeable... resources) throws IOException {
        IOException thrown = null;
        for (var resource : resources) {
            try {
                resource.close();
            } catch (IOException e) {
                thrown = joined(thrown, e);
            } catch (RuntimeException e) {
                thrown = joined(thrown, new IOException(e));
            }
        }
        if (thrown != null) {
            throw thrown;
        }
    }

    private static IOException joined(@Nullable IOException first, IOException next) {
        if (first == null) {
            return next;
        }
        first.addSuppressed(next);
        return first;
    }

    // -- what is kept

    @Override
    public WalPin pin(String name) throws IOException {
        return retaining.keeper().pin(name, null);
    }

    @Override
    public WalPin pin(String name, WalPin.Overflow overflow) throws IOException {
        return retaining.keeper().pin(name, Objects.requireNonNull(overflow, "overflow"));
    }

    @Override
    public List<WalPin> pins() {
        return retaining.keeper().pins();
    }

    @Override
    public WalArchiver archive(String name, SegmentArchive archive) throws IOException {
        return retaining.archive(name, archive);
    }

    // -- reading

    @Override
    public WalRecord read(long lsn) throws IOException {
        if (progress.isClosed()) {
            throw new WalClosedException();
        }
        if (lsn < 1 || lsn > progress.lastLsn()) {
            throw new IllegalArgumentException("lsn is " + lsn + ", expected 1 to " + progress.lastLsn());
        }
        try (var cursor = cursor(lsn, writeThrough(lsn), Durability.WRITTEN, false, 4096)) {
            if (!cursor.next()) {
                progress.checkNotFailed();
                throw new WalGoneException(lsn, "given up by a truncation");
            }
            return cursor.record();
        }
    }

    @Override
    public WalCursor replay(long fromLsn) throws IOException {
        return forwards(fromLsn, writeThrough(progress.lastLsn()));
    }

    @Override
    public WalCursor replay(WalRange range) throws IOException {
        return Ranges.cursor(range, view, writeThrough(progress.lastLsn()), this::forwards);
    }

    private WalCursor forwards(long fromLsn, long toLsn) throws IOException {
        return cursor(fromLsn, toLsn, Durability.WRITTEN, false, FrameScanner.BLOCK_BYTES);
    }

    @Override
    public WalCursor follow(long fromLsn, Durability level) throws IOException {
        if (level == Durability.BUFFERED) {
            throw new IllegalArgumentException("level is BUFFERED, expected WRITTEN or SYNCED");
        }
        appender.check(level);
        return cursor(fromLsn, Long.MAX_VALUE, level, true, FrameScanner.BLOCK_BYTES);
    }

    @Override
    public WalBackup backup(FileStore target) throws IOException {
        writeThrough(progress.lastLsn());
        return Backup.make(store, options, target);
    }

    /** Writes what is buffered, so that it can be read; on a failed log what is durable has to do. */
    private long writeThrough(long lsn) throws IOException {
        if (progress.isClosed()) {
            throw new WalClosedException();
        }
        if (progress.isFailed()) {
            return Math.min(lsn, progress.durableLsn());
        }
        path.commit(Math.min(lsn, progress.lastLsn()), Durability.WRITTEN);
        return lsn;
    }

    private WalCursor cursor(long fromLsn, long untilLsn, Durability level, boolean follows, int blockBytes)
            throws IOException {
        if (progress.isClosed()) {
            throw new WalClosedException();
        }
        long from = fromLsn == 0 ? firstLsn() : fromLsn;
        if (from < 0 || from > progress.lastLsn() + 1) {
            throw new IllegalArgumentException("fromLsn is " + from + ", expected 0 to " + (progress.lastLsn() + 1));
        }
        if (from < firstLsn()) {
            throw new WalGoneException(from, "dropped by a checkpoint, the first is " + firstLsn());
        }
        return new LogCursor(store, options, view, from, untilLsn, level, follows, blockBytes);
    }

    // -- what is

    @Override
    public WalState state() {
        if (progress.isClosed()) {
            return WalState.CLOSED;
        }
        if (progress.isFailed()) {
            return WalState.FAILED;
        }
        return source.failure() != null ? WalState.NO_SPACE : WalState.OPEN;
    }

    @Override
    public @Nullable Throwable failure() {
        var failure = progress.failure();
        return failure != null ? failure : source.failure();
    }

    @Override
    public StoreCapabilities capabilities() {
        return store.capabilities();
    }

    @Override
    public void addObserver(Runnable observer) {
        observers.add(observer);
    }

    @Override
    public void removeObserver(Runnable observer) {
        observers.remove(observer);
    }

    @Override
    public long firstLsn() {
        return succession.firstLsn();
    }

    @Override
    public long lastLsn() {
        return progress.lastLsn();
    }

    @Override
    public long writtenLsn() {
        return progress.writtenLsn();
    }

    @Override
    public long durableLsn() {
        return store.capabilities().survivesPowerLoss() ? progress.durableLsn() : 0;
    }

    @Override
    public UUID logId() {
        return source.logId();
    }

    @Override
    public long epoch() {
        return progress.epoch();
    }

    @Override
    public WalOptions options() {
        return options;
    }

    @Override
    public List<SegmentInfo> segments() {
        return succession.chain().segments().stream()
                .map(segment ->
                        segment.isGrowing() ? segment.endingAt(progress.lastLsn(), path.endPosition(), false) : segment)
                .map(Segment::info)
                .toList();
    }

    @Override
    public long sizeBytes() {
        return segments().stream().mapToLong(SegmentInfo::bytes).sum();
    }

    @Override
    public RecoveryReport recovery() {
        return recovery;
    }

    @Override
    public WalMetrics metrics() {
        return path.metrics();
    }

    /** The background work, for tests that do it by hand. */
    Chores chores() {
        return chores;
    }

    /** For messages: state and range, never contents. */
    @Override
    public String toString() {
        return "log " + state() + ", records " + firstLsn() + " to " + lastLsn() + ", durable through " + durableLsn()
                + ", flush interval " + options.flushInterval().toMillis() + " ms";
    }
}
