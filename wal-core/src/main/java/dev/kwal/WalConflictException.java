package dev.kwal;

/**
 * A conditional append found another next LSN than it expected: somebody else has appended, or given records up. Nothing was
 * appended, and no LSN was taken.
 */
public final class WalConflictException extends WalException {
    private static final long serialVersionUID = 1L;

    /** What the caller expected. */
    private final long expectedNextLsn;

    /** What it would have got. */
    private final long actualNextLsn;

    WalConflictException(long expectedNextLsn, long actualNextLsn) {
        super("the next LSN is " + actualNextLsn + ", expected " + expectedNextLsn + "; nothing was appended", null);
        this.expectedNextLsn = expectedNextLsn;
        this.actualNextLsn = actualNextLsn;
    }

    /** The LSN that the caller wanted for its first record. */
    public long expectedNextLsn() {
        return expectedNextLsn;
    }

    /** The LSN that was next when the log looked; others may have been appended since. */
    public long actualNextLsn() {
        return actualNextLsn;
    }
}
