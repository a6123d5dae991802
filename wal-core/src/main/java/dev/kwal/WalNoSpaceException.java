package dev.kwal;

import java.io.IOException;

/**
 * The next segment could not be prepared: disk full, quota, descriptors, permission, I/O; the cause tells. The record was
 * not appended and took no LSN. The log is alive: it tries again in the background and with the next append.
 */
public final class WalNoSpaceException extends WalException {
    private static final long serialVersionUID = 1L;

    WalNoSpaceException(IOException cause) {
        super("no segment to append to: " + cause, cause);
    }
}
