package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads runs of records one after the other, each checked once more. One thread. */
final class SalvageCursor implements WalCursor {
    private final WalStore store;
    private final int maxRecordBytes;
    private final Deque<SalvageRun> runs;

    private @Nullable SalvageRun run;
    private @Nullable FrameScanner scanner;
    private long nextLsn;
    private boolean hasCurrent;
    private boolean isClosed;

    SalvageCursor(WalStore store, int maxRecordBytes, List<SalvageRun> runs) {
        this.store = store;
        this.maxRecordBytes = maxRecordBytes;
        this.runs = new ArrayDeque<>(runs);
    }

    @Override
    public boolean next() throws IOException {
        if (isClosed) {
            throw new IllegalStateException("the cursor is closed");
        }
        hasCurrent = false;
        if (run == null || nextLsn > run.lastLsn()) {
            leave();
            run = runs.poll();
            if (run == null) {
                return false;
            }
            enter(run);
        }
        advance(run);
        hasCurrent = true;
        return true;
    }

    @Override
    public boolean next(Duration timeout) throws IOException {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout is " + timeout + ", expected 0 or more");
        }
        return next();
    }

    private void enter(SalvageRun entered) throws IOException {
        var frames = new FrameScanner(
                store.open(entered.header().sequence()), entered.header(), maxRecordBytes, FrameScanner.BLOCK_BYTES);
        frames.seek(entered.position());
        scanner = frames;
        nextLsn = entered.firstLsn();
    }

    private void advance(SalvageRun current) throws IOException {
        var frames = scanner;
        while (frames != null && frames.next() == FrameScanner.Step.FRAME) {
            if (frames.kind() == Format.RECORD && frames.lsn() >= nextLsn) {
                if (frames.lsn() == nextLsn) {
                    nextLsn++;
                    return;
                }
                break;
            }
        }
        var damage = new WalCorruptedException(
                current.header().sequence(),
                frames == null ? 0 : frames.position(),
                nextLsn,
                "a record that was intact just now is not");
        WalException.note(damage, store);
        throw damage;
    }

    private void leave() throws IOException {
        var frames = scanner;
        scanner = null;
        if (frames != null) {
            frames.close();
        }
    }

    private FrameScanner current() {
        var frames = scanner;
        if (!hasCurrent || frames == null) {
            throw new IllegalStateException("there is no current record");
        }
        return frames;
    }

    @Override
    public long lsn() {
        return current().lsn();
    }

    @Override
    public int length() {
        return current().payloadBytes();
    }

    @Override
    public ByteBuffer view() {
        return current().payload().slice().asReadOnlyBuffer();
    }

    @Override
    public WalRecord record() {
        var frames = current();
        var bytes = new byte[frames.payloadBytes()];
        frames.payload().get(bytes);
        return new WalRecord(frames.lsn(), bytes);
    }

    @Override
    public void close() {
        isClosed = true;
        hasCurrent = false;
        try {
            leave();
        } catch (IOException e) {
            // A handle that was only read from has nothing to lose.
            return;
        }
    }
}
