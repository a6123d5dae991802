package dev.kwal.cli;

import dev.kwal.WalCursor;
import dev.kwal.WalReader;
import java.io.IOException;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The last records of a log, and those to come. */
@Command(
        name = "tail",
        header = "prints the last records of a log, and follows it",
        description = {
            "Prints the last records of a log. With @|bold -f|@ it goes on with new ones as they become durable, until it is"
                    + " interrupted; the log may be closed and opened again meanwhile.",
            "A follower that is slower than the log's owner drops records ends with exit code 3.",
        },
        footer = {
            "  kwal tail -n 100 /var/lib/orders",
            "  kwal tail -f -n 0 --format json /var/lib/orders",
        })
final class TailCommand extends LogCommand {
    @Option(
            names = {"-f", "--follow"},
            description = "Goes on with new records.")
    private boolean follows;

    @Option(
            names = {"-n", "--records"},
            paramLabel = "COUNT",
            defaultValue = "10",
            description = "How many of the records that are there; ${DEFAULT-VALUE} by default.")
    private long count;

    @Option(names = "--from", paramLabel = "LSN", description = "Begins at this record instead.")
    private long from;

    @Mixin
    private FormatOption format;

    @Override
    int run(Output output) throws IOException {
        if (count < 0) {
            throw new UsageException("-n is " + count + ", expected 0 or more");
        }
        try (var reader = open(store())) {
            DumpCommand.checkFrom(from, reader);
            var printer = format.on(output);
            try (var cursor = follows ? reader.follow(start(reader)) : reader.replay(start(reader))) {
                while (hasNext(cursor, output)) {
                    printer.print(cursor);
                }
            }
        }
        return ExitCode.INTACT;
    }

    private long start(WalReader reader) {
        return from != 0 ? from : Math.max(reader.firstLsn(), reader.lastLsn() - count + 1);
    }

    /** Shows what was printed before it waits for more. */
    private static boolean hasNext(WalCursor cursor, Output output) throws IOException {
        if (cursor.next(Duration.ZERO)) {
            return true;
        }
        output.flush();
        return cursor.next();
    }
}
