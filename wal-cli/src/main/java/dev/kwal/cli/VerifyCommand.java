package dev.kwal.cli;

import dev.kwal.SegmentInfo;
import dev.kwal.Wal;
import dev.kwal.WalReader;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Reads a log in full and checks everything. */
@Command(
        name = "verify",
        header = "reads a log in full and checks everything",
        description = {
            "Checks headers, names, the chain of segments, the checksum and LSN of every record, the seals, and what stands"
                    + " behind the end of the log. Prints a line for each segment and one for the log. On a terminal it"
                    + " shows how far it is.",
            "The first damage ends it with exit code 1 and a message that names segment, byte and LSN; 'kwal salvage' finds"
                    + " what is intact around it. A torn tail is no damage, but ordinary after a crash.",
        },
        footer = {
            "  kwal verify /var/lib/orders",
            "  kwal verify --quiet /backup/orders || mail -s 'orders: damaged' root",
        })
final class VerifyCommand extends LogCommand {
    @Option(
            names = {"-q", "--quiet"},
            description = "Prints nothing but errors.")
    private boolean quiet;

    @Option(
            names = "--progress",
            negatable = true,
            description = "Shows how far it is, or does not; by default on a terminal only.")
    private @Nullable Boolean progress;

    @Override
    int run(Output output) throws IOException {
        var store = store();
        var bar = ProgressBar.on(quiet ? Boolean.FALSE : progress, bytesOf(store));
        try (var reader = verified(store, bar)) {
            if (!quiet) {
                report(store, reader, output);
            }
        }
        return ExitCode.INTACT;
    }

    private static WalReader verified(WalStore store, @Nullable ProgressBar bar) throws IOException {
        var options = OPTIONS.withVerifyOnOpen(true);
        if (bar == null) {
            return Wal.openReadOnly(store, options);
        }
        try {
            return Wal.openReadOnly(new MeteredStore(store, bar::advance), options);
        } finally {
            bar.clear();
        }
    }

    private static long bytesOf(WalStore store) throws IOException {
        return Listing.of(store, null).stream()
                .mapToLong(Listing.Entry::fileBytes)
                .sum();
    }

    private static void report(WalStore store, WalReader reader, Output output) throws IOException {
        for (var segment : Listing.of(store, reader)) {
            var info = segment.info();
            if (info != null) {
                output.line("segment " + info.sequence() + ": intact, " + records(info, segment.lastLsn()) + ", "
                        + info.bytes() + " bytes, " + segment.state().text());
            }
        }
        output.line("intact: " + LogText.state(reader) + "; records " + LogText.records(reader));
    }

    private static String records(SegmentInfo segment, long lastLsn) {
        return lastLsn == 0 ? "no records" : "records " + segment.baseLsn() + " to " + lastLsn;
    }
}
