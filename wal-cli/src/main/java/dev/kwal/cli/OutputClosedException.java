package dev.kwal.cli;

import java.io.IOException;

/** Nobody reads the output any more. */
final class OutputClosedException extends IOException {
    private static final long serialVersionUID = 1L;

    OutputClosedException(IOException cause) {
        super(cause);
    }
}
