package dev.kwal.soak;

import dev.kwal.Durability;
import dev.kwal.Wal;
import dev.kwal.WalClosedException;
import dev.kwal.WalException;
import dev.kwal.WalGoneException;
import dev.kwal.WalOptions;
import dev.kwal.storage.FileStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** One life of the log, from opening to closing or failing: writers, a follower, and one who reads and drops. */
final class Life {
    private static final int WRITERS = 4;
    private static final int RECORDS = 4_000;
    private static final int KEPT_RECORDS = 5_000;
    private static final WalOptions OPTIONS =
            WalOptions.DEFAULT.withSegmentBytes(256 << 10).withBufferBytes(64 << 10);

    private final Path directory;
    private final long number;
    private final boolean isSick;
    private final AtomicLong safeLsn;
    private final AtomicReference<Throwable> broken = new AtomicReference<>();

    /** @param safeLsn what has to be there */
    Life(Path directory, long number, long safeLsn) {
        this.directory = directory;
        this.number = number;
        this.isSick = number % 3 == 0;
        this.safeLsn = new AtomicLong(safeLsn);
    }

    /** Lives; returns the last LSN that was acknowledged as synced. */
    long run() throws IOException, InterruptedException {
        var store = new SickStore(FileStore.of(directory), isSick ? 1 + number % 200 : Long.MAX_VALUE);
        try (var wal = Wal.open(store, OPTIONS)) {
            if (wal.lastLsn() < safeLsn.get()) {
                throw new IllegalStateException(
                        "record " + safeLsn.get() + " was acknowledged, the last is " + wal.lastLsn());
            }
            var writers = new ArrayList<Thread>();
            for (int writer = 0; writer < WRITERS; writer++) {
                var random = new SplittableRandom(number * WRITERS + writer);
                writers.add(start(() -> write(wal, random)));
            }
            var others = List.of(start(() -> follow(wal)), start(() -> readAndDrop(wal, writers)));
            join(writers);
            wal.close();
            join(others);
        } catch (IOException e) {
            if (!isSick) {
                throw e;
            }
        }
        if (broken.get() != null) {
            throw new IllegalStateException("life " + number, broken.get());
        }
        return safeLsn.get();
    }

    private interface Work {
        void run() throws IOException;
    }

    private Thread start(Work work) {
        var thread = new Thread(() -> {
            try {
                work.run();
            } catch (WalClosedException e) {
                // So a life ends.
                return;
            } catch (WalException e) {
                if (!isSick) {
                    broken.compareAndSet(null, e);
                }
            } catch (Throwable t) {
                broken.compareAndSet(null, t);
            }
        });
        thread.start();
        return thread;
    }

    private static void join(List<Thread> threads) throws InterruptedException {
        for (var thread : threads) {
            thread.join();
        }
    }

    private void write(Wal wal, SplittableRandom random) throws IOException {
        for (int record = 0; record < RECORDS; record++) {
            int bytes = random.nextInt(1024);
            switch (random.nextInt(100)) {
                case 0 -> synced(wal.appendBatch(List.of(record(bytes), record(0), record(7)), Durability.SYNCED));
                case 1, 2, 3 -> synced(wal.append(record(bytes), Durability.SYNCED));
                case 4 ->
                    wal.appendAsync(record(bytes), Durability.SYNCED).reached().thenAccept(this::synced);
                case 5, 6, 7, 8, 9 -> wal.append(record(bytes), Durability.WRITTEN);
                default -> wal.append(record(bytes), Durability.BUFFERED);
            }
        }
    }

    private static ByteBuffer record(int bytes) {
        return ByteBuffer.allocate(bytes);
    }

    private void synced(long lsn) {
        safeLsn.accumulateAndGet(lsn, Math::max);
    }

    private static void follow(Wal wal) throws IOException {
        long next = wal.lastLsn() + 1;
        try (var cursor = wal.follow(next, Durability.SYNCED)) {
            while (cursor.next()) {
                if (cursor.lsn() != next++) {
                    throw new IllegalStateException("record " + cursor.lsn() + " follows " + (next - 2));
                }
            }
        } catch (WalGoneException e) {
            // Overtaken by a checkpoint.
            return;
        }
    }

    private static void readAndDrop(Wal wal, List<Thread> writers) throws IOException {
        while (writers.stream().anyMatch(Thread::isAlive)) {
            wal.checkpoint(Math.max(wal.firstLsn() - 1, wal.lastLsn() - KEPT_RECORDS));
            try (var cursor = wal.replay(0)) {
                long read = 0;
                while (cursor.next(Duration.ZERO) && read < KEPT_RECORDS) {
                    read++;
                }
            }
            wal.rotate();
        }
    }
}
