package dev.kwal;

/**
 * Which records to read, and which way. Immutable; each method gives a changed copy.
 *
 * @param fromLsn the lowest LSN, from {@link WalReader#firstLsn()} to {@code lastLsn() + 1}; 0 stands for the first
 * @param toLsn the highest LSN; behind the last record it stands for the last
 * @param tag only records with this tag; {@link WalRecord#NO_TAG} for all
 * @param backwards whether the highest LSN comes first
 */
public record WalRange(long fromLsn, long toLsn, int tag, boolean backwards) {

    /** Everything, in order. */
    public static final WalRange ALL = new WalRange(0, Long.MAX_VALUE, WalRecord.NO_TAG, false);

    /**
     * Checks every value.
     *
     * @throws IllegalArgumentException if one is negative
     */
    public WalRange {
        if (fromLsn < 0 || toLsn < 0 || tag < 0) {
            throw new IllegalArgumentException(
                    "fromLsn is " + fromLsn + ", toLsn " + toLsn + ", tag " + tag + ", expected 0 or more");
        }
    }

    /** Everything from an LSN on, in order. */
    public static WalRange from(long fromLsn) {
        return new WalRange(fromLsn, Long.MAX_VALUE, WalRecord.NO_TAG, false);
    }

    /** The same up to an LSN, itself included. */
    public WalRange to(long toLsn) {
        return new WalRange(fromLsn, toLsn, tag, backwards);
    }

    /** Of the same, only what has this tag. Other records are checked all the same, and not copied. */
    public WalRange tagged(int tag) {
        return new WalRange(fromLsn, toLsn, tag, backwards);
    }

    boolean includes(int itsTag) {
        return tag == WalRecord.NO_TAG || tag == itsTag;
    }

    /** The same with the highest LSN first. */
    public WalRange reversed() {
        return new WalRange(fromLsn, toLsn, tag, !backwards);
    }
}
