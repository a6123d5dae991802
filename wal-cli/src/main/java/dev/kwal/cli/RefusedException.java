package dev.kwal.cli;

import java.io.IOException;

/** The directory is not a log. */
final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
        super(message);
    }
}
