package dev.kwal.soak;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.PrintStream;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/** What this process holds, while no log is open: it should be the same at any time. */
final class Holdings {
    private static final int ROWS = 20;
    private static final long MIB = 1 << 20;

    private final long begin = System.nanoTime();
    private final long distanceNanos;
    private final List<Held> held = new ArrayList<>();

    /** Bytes are those still reachable after a collection. */
    private record Held(long seconds, long heapBytes, long directBytes, long descriptors, long threads) {}

    /** What may come and go without being lost: caches, compiled code's data, threads of the JDK that idle. */
    private enum Kind {
        HEAP("heap", 8 * MIB, Held::heapBytes),
        DIRECT("direct memory", MIB, Held::directBytes),
        DESCRIPTORS("descriptors", 8, Held::descriptors),
        THREADS("threads", 8, Held::threads);

        private final String text;
        private final long tolerance;
        private final ToLongFunction<Held> amount;

        Kind(String text, long tolerance, ToLongFunction<Held> amount) {
            this.text = text;
            this.tolerance = tolerance;
            this.amount = amount;
        }
    }

    Holdings(Duration duration) {
        this.distanceNanos = duration.toNanos() / ROWS;
    }

    /** Looks, if it is time for another row. */
    void note() {
        long now = System.nanoTime() - begin;
        if (now >= held.size() * distanceNanos) {
            held.add(look(now));
        }
    }

    private static Held look(long nanos) {
        // Twice: what the first finds unreachable frees direct memory only later.
        System.gc();
        System.gc();
        var runtime = Runtime.getRuntime();
        return new Held(
                Duration.ofNanos(nanos).toSeconds(),
                runtime.totalMemory() - runtime.freeMemory(),
                ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                        .filter(pool -> pool.getName().equals("direct"))
                        .mapToLong(BufferPoolMXBean::getMemoryUsed)
                        .sum(),
                ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
                        ? system.getOpenFileDescriptorCount()
                        : 0,
                ManagementFactory.getThreadMXBean().getThreadCount());
    }

    void print(PrintStream out) {
        out.println("| seconds | heap, KiB | direct memory, KiB | descriptors | threads |");
        out.println("|---|---|---|---|---|");
        for (var row : held) {
            out.printf(
                    "| %d | %,d | %,d | %d | %d |%n",
                    row.seconds(), row.heapBytes() / 1024, row.directBytes() / 1024, row.descriptors(), row.threads());
        }
        for (var kind : Kind.values()) {
            out.printf("%s: %s%n", kind.text, hasGrown(kind) ? "GROWS" : "constant");
        }
    }

    boolean haveGrown() {
        for (var kind : Kind.values()) {
            if (hasGrown(kind)) {
                return true;
            }
        }
        return false;
    }

    /** Whether the least of the last quarter is more than the most of the second, by more than comes and goes. */
    private boolean hasGrown(Kind kind) {
        int quarter = held.size() / 4;
        if (quarter == 0) {
            return false;
        }
        long before = held.subList(quarter, 2 * quarter).stream()
                .mapToLong(kind.amount)
                .max()
                .orElseThrow();
        long after = held.subList(held.size() - quarter, held.size()).stream()
                .mapToLong(kind.amount)
                .min()
                .orElseThrow();
        return after > before + kind.tolerance;
    }
}
