package dev.kwal.cli;

import picocli.CommandLine.Option;

/** How records are shown. */
final class FormatOption {
    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = {
                "text (the default): LSN, tab and the record as UTF-8, one line for each record; backslashes, control"
                        + " characters and bytes that are no UTF-8 are escaped as in C.",
                "hex: bytes as numbers and characters.",
                "json: one object in each line, with lsn, bytes, and text or, where the record is no UTF-8, base64."
            })
    private RecordPrinter.Format format;

    RecordPrinter on(Output output) {
        return format.on(output);
    }
}
