package dev.kwal.cli;

import dev.kwal.WalSalvage;
import dev.kwal.storage.FileStore;
import dev.kwal.storage.NewDirectory;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is intact in a damaged log. */
@Command(
        name = "salvage",
        header = "finds what is intact in a damaged log, and writes it to a new one",
        description = {
            "Reads every segment of a log that cannot be opened, finds every record whose checksum is right at its place, and"
                    + " appends them to a new log, in a directory that must not exist. Nothing of the damaged log is changed,"
                    + " and nothing is repaired or guessed. A backup or a replica is better, if there is one.",
            "The records keep their LSNs: an empty record takes the place of each one that is lost, but for those before the"
                    + " first that is intact. With @|bold --renumber|@ there are no empty records, and LSNs begin at 1.",
            "The report tells what was salvaged, what is lost and what is damaged; in the new directory it stands as"
                    + " @|bold SALVAGE.txt|@ and @|bold SALVAGE.json|@. A segment whose header is damaged is lost as a whole,"
                    + " because the checksums of its records begin with it. Records that such a segment may have given up by"
                    + " a truncation are salvaged, and marked.",
            "Exit code 1 says that something was damaged or lost, although the new log was written.",
        },
        footer = {
            "  kwal salvage --dry-run /var/lib/orders",
            "  kwal salvage /var/lib/orders /var/lib/orders.salvaged",
            "  jq '.gaps[]' /var/lib/orders.salvaged/SALVAGE.json"
        })
final class SalvageCommand extends LogCommand {
    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "TARGET",
            description = "The directory to be made for the new log.")
    private @Nullable Path target;

    @Option(names = "--renumber", description = "Leaves no places for lost records: LSNs begin at 1, without a gap.")
    private boolean renumbers;

    @Option(names = "--dry-run", description = "Finds and reports, and writes nothing.")
    private boolean isDry;

    @Option(names = "--json", description = "Prints the report as one JSON object.")
    private boolean json;

    @Override
    int run(Output output) throws IOException {
        if (isDry == (target != null)) {
            throw new UsageException("expected either TARGET or --dry-run");
        }
        var report = report();
        output.print(json ? report.json() + "\n" : report.text());
        return report.isComplete() ? ExitCode.INTACT : ExitCode.DAMAGED;
    }

    private SalvageReport report() throws IOException {
        var store = store();
        if (target == null) {
            return new SalvageReport(WalSalvage.of(store, OPTIONS), !renumbers, directory(), null, null);
        }
        // That it is there already is to be found out before hours of reading.
        try (var directory = NewDirectory.of(FileStore.of(target))) {
            return Salvage.write(WalSalvage.of(store, OPTIONS), !renumbers, directory(), target, directory);
        }
    }
}
