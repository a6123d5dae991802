package dev.kwal.storage;

/**
 * The names that a {@link FileStore} gives to its files. Every other name in the directory belongs to somebody else.
 *
 * <pre>
 * 00000000000000000007.wal        segment 7
 * 00000000000000000007.wal.tmp    segment 7 being made
 * pool-00000000000000000007.free  what was segment 7, waiting for reuse
 * RESERVE                         space for the segment that frees space
 * pins                            a directory: the log's pins, as snapshots
 * LOCK                            carries the lock of the owner; never deleted, its existence means nothing
 * </pre>
 *
 * <p>And those that a {@link FileSnapshotStore} gives.
 *
 * <pre>
 * 00000000000000000007.snapshot      snapshot 7
 * 00000000000000000007.snapshot.tmp  snapshot 7 being written
 * </pre>
 */
final class FileNames {
    static final String LOCK = "LOCK";
    static final String RESERVE = "RESERVE";
    static final String PINS = "pins";

    private static final int DIGITS = 20;
    private static final String SEGMENT_SUFFIX = ".wal";
    private static final String TEMPORARY_SUFFIX = ".wal.tmp";
    private static final String SNAPSHOT_SUFFIX = ".snapshot";
    private static final String UNFINISHED_SNAPSHOT_SUFFIX = ".snapshot.tmp";
    private static final String POOL_PREFIX = "pool-";
    private static final String POOL_SUFFIX = ".free";

    private FileNames() {}

    static String segment(long sequence) {
        return padded(sequence) + SEGMENT_SUFFIX;
    }

    static String temporary(long sequence) {
        return padded(sequence) + TEMPORARY_SUFFIX;
    }

    static String pooled(long sequence) {
        return POOL_PREFIX + padded(sequence) + POOL_SUFFIX;
    }

    static String snapshot(long sequence) {
        return padded(sequence) + SNAPSHOT_SUFFIX;
    }

    static String temporarySnapshot(long sequence) {
        return padded(sequence) + UNFINISHED_SNAPSHOT_SUFFIX;
    }

    /** The sequence of a segment's name; 0 for any other name. */
    static long sequenceOf(String name) {
        return sequenceBetween("", name, SEGMENT_SUFFIX);
    }

    /** The sequence of a snapshot's name; 0 for any other name. */
    static long sequenceOfSnapshot(String name) {
        return sequenceBetween("", name, SNAPSHOT_SUFFIX);
    }

    /** True for the name of a snapshot that a run which ended early left half written. */
    static boolean isUnfinishedSnapshot(String name) {
        return sequenceBetween("", name, UNFINISHED_SNAPSHOT_SUFFIX) > 0;
    }

    /** True for a name that only a run that ended early leaves behind. */
    static boolean isLeftover(String name) {
        return sequenceBetween("", name, TEMPORARY_SUFFIX) > 0 || sequenceBetween(POOL_PREFIX, name, POOL_SUFFIX) > 0;
    }

    /** Not by a formatter, whose digits depend on the locale. */
    private static String padded(long sequence) {
        var digits = Long.toString(sequence);
        return "0".repeat(DIGITS - digits.length()) + digits;
    }

    private static long sequenceBetween(String prefix, String name, String suffix) {
        var end = prefix.length() + DIGITS;
        if (name.length() != end + suffix.length() || !name.startsWith(prefix) || !name.endsWith(suffix)) {
            return 0;
        }
        var sequence = 0L;
        for (var position = prefix.length(); position < end; position++) {
            var digit = name.charAt(position) - '0';
            if (digit < 0 || digit > 9 || sequence > (Long.MAX_VALUE - digit) / 10) {
                return 0;
            }
            sequence = sequence * 10 + digit;
        }
        return sequence;
    }
}
