package dev.kwal.cli;

import dev.kwal.WalCursor;
import dev.kwal.WalException;
import dev.kwal.WalReader;
import dev.kwal.WalRecord;
import dev.kwal.WalSalvage;
import java.io.IOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The records of a log. */
@Command(
        name = "dump",
        header = "prints the records of a log",
        description = {
            "Prints the records of a log in order, as UTF-8 whatever the locale. Shows what the log itself proves to survive"
                    + " a loss of power; 'kwal info' tells whether there is more behind it.",
            "Where a record is damaged it stops with exit code 1. What was printed until then is intact. With"
                    + " @|bold --salvage|@ it goes on behind the damage.",
        },
        footer = {
            "  kwal dump /var/lib/orders",
            "  kwal dump --from 1000 --to 1999 --format hex /var/lib/orders",
            "  kwal dump --since 2026-11-30T02:00:00Z --until 2026-11-30T03:00:00Z --tag 7 /var/lib/orders",
            "  kwal dump --format json /var/lib/orders | jq -r 'select(.bytes > 1000).lsn'",
            "  kwal dump --salvage --format json /var/lib/orders > orders.json"
        })
final class DumpCommand extends LogCommand {
    @Option(
            names = "--from",
            paramLabel = "LSN",
            description = "The first record to print; by default the first there is.")
    private long from;

    @Option(
            names = "--to",
            paramLabel = "LSN",
            description = "The last record to print, if there are as many; by default the last there is.")
    private long to = Long.MAX_VALUE;

    @Option(names = "--tag", paramLabel = "NUMBER", description = "Prints only records with this tag, 1 to 2147483647.")
    private @Nullable Integer tag;

    @Option(
            names = "--since",
            paramLabel = "TIME",
            description =
                    "Prints only records that were appended at this time or later, as 2026-11-30T12:00:00Z. Records"
                            + " without a timestamp are left out.")
    private @Nullable Instant since;

    @Option(
            names = "--until",
            paramLabel = "TIME",
            description = "Prints only records that were appended at this time or earlier.")
    private @Nullable Instant until;

    @Option(
            names = "--salvage",
            description = {
                "Goes on behind damage, and prints also what is whole and not proven to be durable: what 'kwal salvage' would"
                        + " write. Tells on the error stream what is lost."
            })
    private boolean salvages;

    @Mixin
    private FormatOption format;

    @Override
    int run(Output output) throws IOException {
        if (to < from) {
            throw new UsageException("--to is " + to + ", expected at least " + from);
        }
        if (tag != null && tag < 1) {
            throw new UsageException("--tag is " + tag + ", expected 1 or more");
        }
        if (salvages) {
            return salvage(WalSalvage.of(store(), OPTIONS), output);
        }
        try (var reader = open(store())) {
            checkFrom(from, reader);
            long first = since == null || from != 0 ? from : reader.firstLsnSince(since);
            try (var cursor = reader.replay(first)) {
                print(cursor, output);
            }
        }
        return ExitCode.INTACT;
    }

    private void print(WalCursor cursor, Output output) throws IOException {
        var printer = format.on(output);
        try {
            while (cursor.next() && cursor.lsn() <= to && !isLater(cursor)) {
                if (cursor.lsn() >= from && isWanted(cursor)) {
                    printer.print(cursor);
                }
            }
        } catch (WalException e) {
            output.flush();
            throw e;
        }
    }

    /** Whether it was appended too late, and so were all behind it. */
    private boolean isLater(WalCursor cursor) {
        return until != null
                && cursor.timestampMillis() != WalRecord.NO_TIME
                && Instant.ofEpochMilli(cursor.timestampMillis()).isAfter(until);
    }

    private boolean isWanted(WalCursor cursor) {
        if (tag != null && cursor.tag() != tag) {
            return false;
        }
        if (since == null && until == null) {
            return true;
        }
        return cursor.timestampMillis() != WalRecord.NO_TIME
                && (since == null
                        || !Instant.ofEpochMilli(cursor.timestampMillis()).isBefore(since));
    }

    private int salvage(WalSalvage found, Output output) throws IOException {
        try (var cursor = found.cursor()) {
            print(cursor, output);
        }
        var report = new SalvageReport(found, true, directory(), null, null);
        output.flush();
        Failures.writer().print(report.losses());
        Failures.writer().flush();
        return report.isComplete() ? ExitCode.INTACT : ExitCode.DAMAGED;
    }

    static void checkFrom(long from, WalReader reader) {
        if (from != 0 && (from < reader.firstLsn() || from > reader.lastLsn() + 1)) {
            throw new UsageException(
                    "--from is " + from + ", expected " + reader.firstLsn() + " to " + (reader.lastLsn() + 1));
        }
    }
}
