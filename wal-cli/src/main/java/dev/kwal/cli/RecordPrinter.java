package dev.kwal.cli;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Prints records in one format. One thread. */
interface RecordPrinter {

    /**
     * Prints one record.
     *
     * @param bytes from position to limit; valid during the call
     */
    void print(long lsn, ByteBuffer bytes) throws IOException;

    /** The formats there are. */
    enum Format {
        /** One line of text for each record. */
        TEXT,
        /** Bytes as numbers and characters, sixteen in a line. */
        HEX,
        /** One line of JSON for each record. */
        JSON;

        RecordPrinter on(Output output) {
            return switch (this) {
                case TEXT -> new TextPrinter(output);
                case HEX -> new HexPrinter(output);
                case JSON -> new JsonPrinter(output);
            };
        }
    }
}
