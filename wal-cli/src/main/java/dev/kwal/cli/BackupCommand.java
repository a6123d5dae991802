package dev.kwal.cli;

import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** A copy of a log. */
@Command(
        name = "backup",
        header = "copies a log, also one that is in use, into a new directory",
        description = {
            "Copies the segments of a log into a directory that must not exist, flushes the copy, reads it in full and checks"
                    + " it. The directory gets its name only then: a backup is there whole, or not at all.",
            "The copy is the log as it was at one moment during the run, as if its owner had been killed then, and opens as"
                    + " a log: to restore is to open it, or to copy it back. It holds every record that was durable before the"
                    + " run.",
            "On the same file system the files of sealed segments are linked, not copied: that costs no space, and their"
                    + " bytes are those of the log itself. For a copy that does not share the fate of the disk choose a"
                    + " directory on another.",
            "A damaged log makes no backup.",
        },
        footer = {"  kwal backup /var/lib/orders /backup/orders-$(date +%%F)"})
final class BackupCommand extends LogCommand {
    @Parameters(index = "1", paramLabel = "TARGET", description = "The directory to be made.")
    private Path target;

    @Override
    int run(Output output) throws IOException {
        try (var log = open(store())) {
            var backup = log.backup(target);
            output.line("copied " + backup.segments() + " segments, " + backup.linkedSegments() + " of them by links, "
                    + backup.bytes() + " bytes; records " + LogText.records(backup.firstLsn(), backup.lastLsn()));
            return ExitCode.INTACT;
        }
    }
}
