package dev.kwal;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Something that the log itself has to say. Errors of the medium come as the {@link IOException} they are. */
public abstract sealed class WalException extends IOException
        permits WalClosedException,
                WalCorruptedException,
                WalDecodingException,
                WalFailedException,
                WalFormatException,
                WalGoneException,
                WalNoSpaceException,
                WalTimeoutException {
    private static final long serialVersionUID = 1L;

    WalException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
