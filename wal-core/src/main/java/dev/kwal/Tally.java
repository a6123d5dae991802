package dev.kwal;

/** Counts values by their size; what a {@link WalHistogram} is made of. Guarded by the lock of the write path. */
final class Tally {
    private final long[] counts = new long[WalHistogram.BUCKETS];
    private long count;
    private long sum;
    private long max;

    /** Counts a value; one below 0, of a clock that went back, as 0. */
    void add(long value) {
        long counted = Math.max(0, value);
        counts[WalHistogram.bucket(counted)]++;
        count++;
        sum += counted;
        max = Math.max(max, counted);
    }

    long sum() {
        return sum;
    }

    WalHistogram snapshot() {
        return new WalHistogram(counts.clone(), count, sum, max);
    }
}
