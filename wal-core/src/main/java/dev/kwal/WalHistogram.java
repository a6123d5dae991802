package dev.kwal;

/**
 * How often values of each size were counted: a snapshot, in the unit of whoever names it. Immutable.
 *
 * <p>Values below 8 are told apart, larger ones with an error of a quarter at most. It takes 2 KiB whatever was counted.
 */
public final class WalHistogram {
    /** Values below are counted by themselves, those above in four buckets for each power of two. */
    private static final int EXACT = 8;

    private static final int EXACT_BITS = 3;
    private static final int FRACTION_BITS = 2;
    static final int BUCKETS = bucket(Long.MAX_VALUE) + 1;

    private final long[] counts;
    private final long count;
    private final long sum;
    private final long max;

    /** Keeps the array. */
    WalHistogram(long[] counts, long count, long sum, long max) {
        this.counts = counts;
        this.count = count;
        this.sum = sum;
        this.max = max;
    }

    static int bucket(long value) {
        if (value < EXACT) {
            return (int) value;
        }
        int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(value);
        int fraction = (int) (value >>> (exponent - FRACTION_BITS)) & ((1 << FRACTION_BITS) - 1);
        return EXACT + ((exponent - EXACT_BITS) << FRACTION_BITS) + fraction;
    }

    /** The largest value of a bucket. */
    static long largest(int bucket) {
        if (bucket < EXACT) {
            return bucket;
        }
        int exponent = EXACT_BITS + ((bucket - EXACT) >> FRACTION_BITS);
        int fraction = (bucket - EXACT) & ((1 << FRACTION_BITS) - 1);
        return (((1L << FRACTION_BITS) + fraction + 1) << (exponent - FRACTION_BITS)) - 1;
    }

    /** How many values were counted. */
    public long count() {
        return count;
    }

    /** All values together. */
    public long sum() {
        return sum;
    }

    /** The largest value; 0 if there is none. */
    public long max() {
        return max;
    }

    /** The mean value; 0 if there is none. */
    public double mean() {
        return count == 0 ? 0 : (double) sum / count;
    }

    /**
     * A value that so many percent of all values do not exceed: the least such one, or up to a quarter more, and never more
     * than {@link #max()}; 0 if there is none.
     *
     * @param percent 0 to 100
     * @throws IllegalArgumentException if it is out of that range
     */
    public long percentile(double percent) {
        if (!(percent >= 0 && percent <= 100)) {
            throw new IllegalArgumentException("percent is " + percent + ", expected 0 to 100");
        }
        double wanted = count * (percent / 100);
        long seen = 0;
        for (int bucket = 0; bucket < counts.length; bucket++) {
            seen += counts[bucket];
            if (counts[bucket] > 0 && seen >= wanted) {
                return Math.min(max, largest(bucket));
            }
        }
        return max;
    }

    /** One line for a person. */
    @Override
    public String toString() {
        return "count " + count + ", mean " + Math.round(mean()) + ", median " + percentile(50) + ", 99 % "
                + percentile(99) + ", max " + max;
    }
}
