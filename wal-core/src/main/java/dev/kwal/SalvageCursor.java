package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads runs of records one after the other, each checked once more. One thread. */
final class SalvageCursor extends FrameCursor {
    private final WalStore store;
    private final int maxRecordBytes;
    private final Deque<SalvageRun> runs;

    private @Nullable SalvageRun run;
    private long nextLsn;

    SalvageCursor(WalStore store, int maxRecordBytes, List<SalvageRun> runs) {
        this.store = store;
        this.maxRecordBytes = maxRecordBytes;
        this.runs = new ArrayDeque<>(runs);
    }

    @Override
    public boolean next() throws IOException {
        beginStep();
        if (run == null || nextLsn > run.lastLsn()) {
            leaveScanner();
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
}
