package dev.kwal;

/**
 * The one decision of recovery, as a function without I/O. The same table stands in {@code docs/design.md}; a test runs over
 * every combination of the inputs.
 */
final class RecoveryTable {
    private RecoveryTable() {}

    /** What stands behind the last whole frame of the newest effective segment, or in segments begun after it. */
    enum Rest {
        /** Nothing but zeros. */
        NOTHING,
        /** Bytes, but no whole frame. */
        GARBAGE,
        /** Whole frames that prove nothing to be missing: the group that the crash tore. */
        UNPROVEN,
        /** A frame that vouches for something that is missing. */
        PROOF,
        /** More candidates than the budget allows to check. */
        UNDECIDED;

        Rest worse(Rest other) {
            return compareTo(other) >= 0 ? this : other;
        }
    }

    /** What to do. */
    enum Action {
        /** Go on in the same segment. */
        RESUME,
        /** Go on in a new segment, when there is something to append. */
        CONTINUE,
        /** Copy what is not proven synced to a new segment and sync it, before anything else. */
        COPY,
        /** Fail: synced data is damaged or missing. Change nothing. */
        CORRUPTED,
        /** Fail: it cannot be decided. Change nothing. */
        REFUSED
    }

    /** What to do, and whether something torn is left behind. */
    record Verdict(Action action, boolean isTorn) {}

    /**
     * Decides.
     *
     * @param isClosed the last whole frame is a close mark, and the segment can be gone on with
     * @param behind what stands behind the last whole frame
     * @param hasIncompleteBatch the last whole frames are of a batch without its end
     * @param newer the worst of what stands in segments begun later that never took effect
     * @param isExpectationMet the last LSN is at least the one the caller expects
     * @param hasUnproven whole records, or a checkpoint, are not proven synced
     */
    static Verdict decide(
            boolean isClosed,
            Rest behind,
            boolean hasIncompleteBatch,
            Rest newer,
            boolean isExpectationMet,
            boolean hasUnproven) {
        var rest = behind.worse(newer);
        boolean isTorn = rest != Rest.NOTHING || hasIncompleteBatch;
        if (behind == Rest.PROOF || newer == Rest.PROOF || !isExpectationMet) {
            return new Verdict(Action.CORRUPTED, isTorn);
        }
        if (rest == Rest.UNDECIDED) {
            return new Verdict(Action.REFUSED, isTorn);
        }
        if (hasUnproven) {
            return new Verdict(Action.COPY, isTorn);
        }
        return new Verdict(isClosed && !isTorn ? Action.RESUME : Action.CONTINUE, isTorn);
    }
}
