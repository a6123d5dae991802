package dev.kwal.cli;

import dev.kwal.WalCursor;
import java.io.IOException;

/** Prints records in one format. One thread. */
interface RecordPrinter {

    /**
     * Prints one record.
     *
     * @param record the current record of the cursor, which is left there
     */
    void print(WalCursor record) throws IOException;

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
