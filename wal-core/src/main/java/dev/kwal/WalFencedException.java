package dev.kwal;

/** A {@link WalWriter} was used after a newer one had begun. Nothing was appended, and no LSN was taken; it is of no more use. */
public final class WalFencedException extends WalException {
    private static final long serialVersionUID = 1L;

    /** Of the writer that was used. */
    private final long writerEpoch;

    /** Of the newest. */
    private final long newestWriterEpoch;

    WalFencedException(long writerEpoch, long newestWriterEpoch) {
        super("writer " + writerEpoch + " is shut out by writer " + newestWriterEpoch + "; nothing was appended", null);
        this.writerEpoch = writerEpoch;
        this.newestWriterEpoch = newestWriterEpoch;
    }

    /** The epoch of the writer that was used. */
    public long writerEpoch() {
        return writerEpoch;
    }

    /** The epoch of the newest writer when the log looked. */
    public long newestWriterEpoch() {
        return newestWriterEpoch;
    }
}
