package dev.kwal.cli;

import dev.kwal.WalException;
import dev.kwal.WalReader;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The segments of a log. */
@Command(
        name = "ls",
        header = "lists the segments of a log",
        description = {
            "One line for each segment, oldest first: its file, its sequence, the LSN of its first record and of its last"
                    + " one, how many of its bytes belong to the log, how long the file is, and its state.",
            "States: @|bold sealed|@, complete; @|bold ended|@, complete, but by a crash or a truncation; @|bold open|@,"
                    + " the newest one; @|bold dead|@, dropped or given up and about to be deleted; @|bold prepared|@, made"
                    + " for later. Of a log that cannot be opened it lists the files, in state @|bold unknown|@.",
        },
        footer = {"  kwal ls /var/lib/orders", "  kwal ls --json /var/lib/orders | jq 'select(.state == \"dead\").name'"
        })
final class LsCommand extends LogCommand {
    @Option(names = "--json", description = "Prints one JSON object in each line.")
    private boolean json;

    @Override
    int run(Output output) throws IOException {
        var store = store();
        try (var reader = open(store)) {
            list(store, reader, output);
        } catch (WalException e) {
            list(store, null, output);
            output.flush();
            throw e;
        }
        return ExitCode.INTACT;
    }

    private void list(WalStore store, @Nullable WalReader reader, Output output) throws IOException {
        if (!json) {
            output.line(row("NAME", "SEQUENCE", "BASE LSN", "LAST LSN", "BYTES", "FILE BYTES", "STATE"));
        }
        for (var entry : Listing.of(store, reader)) {
            output.line(json ? json(entry) : row(entry));
        }
    }

    private String name(Listing.Entry entry) {
        return Files.isRegularFile(directory()) ? String.valueOf(directory().getFileName()) : entry.name();
    }

    private String row(Listing.Entry entry) {
        var info = entry.info();
        return row(
                name(entry),
                entry.sequence(),
                info == null ? "-" : info.baseLsn(),
                entry.lastLsn() == 0 ? "-" : entry.lastLsn(),
                info == null ? "-" : info.bytes(),
                entry.fileBytes(),
                entry.state().text());
    }

    private static String row(Object... cells) {
        return String.format(Locale.ROOT, "%-24s  %8s  %12s  %12s  %12s  %12s  %s", cells);
    }

    private String json(Listing.Entry entry) {
        var info = entry.info();
        var json = new Json().put("name", name(entry)).put("sequence", entry.sequence());
        if (info != null) {
            json.put("baseLsn", info.baseLsn())
                    .put("lastLsn", entry.lastLsn() == 0 ? info.baseLsn() - 1 : entry.lastLsn())
                    .put("bytes", info.bytes());
        }
        return json.put("fileBytes", entry.fileBytes())
                .put("state", entry.state().text())
                .toString();
    }
}
