package dev.kwal.samples.threads;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.kwal.Wal;
import dev.kwal.WalOptions;
import dev.kwal.storage.FileStore;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Ten thousand virtual threads append one record each, and each waits until its record survives a loss of power. They
 * write blocking code and still share flushes: whoever comes while one flush runs goes with the next, however many.
 *
 * <p>A JDK before 21 has no virtual threads. There the sample says so, and a pool of platform threads does the work.
 */
final class VirtualThreads {
    private static final int RECORDS = 10_000;
    private static final int PLATFORM_THREADS = 64;
    private static final int FIRST_JDK = 21;

    private VirtualThreads() {}

    /** Takes the directory under which to write. */
    public static void main(String[] args) throws Exception {
        var base = Files.createDirectories(Path.of(args.length > 0 ? args[0] : "target"));
        run(Files.createTempDirectory(base, "threads-"), System.out);
    }

    static void run(Path directory, PrintStream out) throws Exception {
        var store = new CountedStore(FileStore.of(directory));
        try (var log = Wal.open(store, WalOptions.DEFAULT)) {
            long flushesBefore = store.flushes();
            long begin = System.nanoTime();
            appendFromManyThreads(log, out);
            var took = Duration.ofNanos(System.nanoTime() - begin);
            long flushes = store.flushes() - flushesBefore;
            out.printf(
                    Locale.ROOT,
                    "%,d records appended and synced in %,d ms: %,d flushes, each shared by %,d threads on average%n",
                    RECORDS,
                    took.toMillis(),
                    flushes,
                    RECORDS / flushes);
        }
    }

    /** A task for each record. On virtual threads that is a thread for each record. */
    private static void appendFromManyThreads(Wal log, PrintStream out) throws Exception {
        var executor = executor(out);
        try {
            var appended = new ArrayList<Future<Long>>(RECORDS);
            for (int number = 1; number <= RECORDS; number++) {
                byte[] record = ("order " + number + " paid").getBytes(UTF_8);
                appended.add(executor.submit(() -> log.appendAndSync(record)));
            }
            for (var lsn : appended) {
                lsn.get();
            }
        } finally {
            executor.shutdown();
        }
    }

    /** By reflection, as this is compiled for JDK 17. In your own code write the call. */
    private static ExecutorService executor(PrintStream out) throws ReflectiveOperationException {
        int jdk = Runtime.version().feature();
        if (jdk < FIRST_JDK) {
            out.printf(
                    "virtual threads need JDK %d, this is JDK %d: %d platform threads do the work%n",
                    FIRST_JDK, jdk, PLATFORM_THREADS);
            return Executors.newFixedThreadPool(PLATFORM_THREADS);
        }
        out.printf("JDK %d: one virtual thread for each record%n", jdk);
        var factory = Executors.class.getMethod("newVirtualThreadPerTaskExecutor");
        return (ExecutorService) factory.invoke(null);
    }
}
