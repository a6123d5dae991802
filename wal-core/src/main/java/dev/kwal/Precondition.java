package dev.kwal;

/**
 * What has to hold at the moment in which a group gets its LSNs.
 *
 * @param nextLsn the LSN that its first record must get, or {@link #ANY}
 * @param writerEpoch of the writer that appends it, than which none may be newer, or {@link #ANY}
 */
record Precondition(long nextLsn, long writerEpoch) {
    static final long ANY = 0;

    /** For whoever appends whatever the others do. */
    static final Precondition NONE = new Precondition(ANY, ANY);

    /** What a caller expects. */
    static Precondition next(long expectedNextLsn, long writerEpoch) {
        if (expectedNextLsn < 1) {
            throw new IllegalArgumentException("expectedNextLsn is " + expectedNextLsn + ", expected 1 or more");
        }
        return new Precondition(expectedNextLsn, writerEpoch);
    }

    boolean isFencedBy(long newestWriterEpoch) {
        return writerEpoch != ANY && writerEpoch < newestWriterEpoch;
    }

    boolean allows(long lsn) {
        return nextLsn == ANY || nextLsn == lsn;
    }
}
