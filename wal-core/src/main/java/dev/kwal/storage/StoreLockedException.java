package dev.kwal.storage;

import java.io.IOException;

/** The store is owned by somebody else, in this process or another. Nothing was touched. */
public final class StoreLockedException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * Says who has it, as far as known.
     *
     * @param message what is locked, and by whom
     */
    public StoreLockedException(String message) {
        super(message);
    }
}
