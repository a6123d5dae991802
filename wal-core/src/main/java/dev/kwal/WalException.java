package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Something that the log itself has to say. Errors of the medium come as the {@link IOException} they are. */
public abstract sealed class WalException extends IOException
        permits WalClosedException,
                WalConflictException,
                WalCorruptedException,
                WalDecodingException,
                WalFailedException,
                WalFencedException,
                WalFormatException,
                WalGoneException,
                WalNoSpaceException,
                WalSnapshotException,
                WalTimeoutException {
    private static final long serialVersionUID = 1L;

    /** Which log, for one who has many. */
    private @Nullable String log;

    WalException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** Says in which store it happened, once. */
    static void note(Throwable thrown, WalStore store) {
        if (thrown instanceof WalException e && e.log == null) {
            e.log = store.toString();
        }
    }

    /** What, where, and in which store, as far as known. */
    @Override
    public @Nullable String getMessage() {
        return log == null ? super.getMessage() : log + ": " + super.getMessage();
    }
}
