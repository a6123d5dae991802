package dev.kwal.cli;

import dev.kwal.WalReader;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What a log is. */
@Command(
        name = "info",
        header = "tells what a log is, how it ended, and what it holds",
        description = {
            "Tells the id of the log, the version of its format, whether it was closed, how many segments and records it"
                    + " has, and how many bytes they take.",
            "A log that is not closed is in use, or was left by a crash; from the outside these look the same. A torn tail"
                    + " is ordinary after a crash: what was torn had never been acknowledged as durable.",
        },
        footer = {"  kwal info /var/lib/orders", "  kwal info --json /var/lib/orders | jq .lastLsn"})
final class InfoCommand extends LogCommand {
    /** The one version there is; the library refuses others. */
    private static final int FORMAT_VERSION = 1;

    @Option(names = "--json", description = "Prints one JSON object.")
    private boolean json;

    @Override
    int run(Output output) throws IOException {
        var store = store();
        try (var reader = open(store)) {
            var segments = Listing.of(store, reader);
            if (json) {
                output.line(json(reader, segments));
            } else {
                print(reader, segments, output);
            }
        }
        return ExitCode.INTACT;
    }

    private void print(WalReader reader, List<Listing.Entry> segments, Output output) throws IOException {
        var id = reader.logId();
        output.line("log id          " + (id == null ? "none yet" : id));
        output.line("format version  " + FORMAT_VERSION);
        output.line("state           " + LogText.state(reader));
        output.line("records         " + LogText.records(reader));
        output.line("durable         through LSN " + reader.durableLsn() + " by the log's own proof");
        output.line("truncations     " + reader.epoch());
        output.line("segments        " + reader.segments().size() + ", " + count(segments, Listing.State.DEAD)
                + " dead, " + count(segments, Listing.State.PREPARED) + " prepared");
        output.line("bytes           " + reader.sizeBytes() + " in the log, " + fileBytes(segments) + " in files");
    }

    private String json(WalReader reader, List<Listing.Entry> segments) {
        var id = reader.logId();
        return new Json()
                .put("directory", directory().toString())
                .put("logId", id == null ? null : id.toString())
                .put("formatVersion", FORMAT_VERSION)
                .put("state", stateName(reader))
                .put("firstLsn", reader.firstLsn())
                .put("lastLsn", reader.recovery().lastLsn())
                .put("durableLsn", reader.durableLsn())
                .put("epoch", reader.epoch())
                .put("segments", reader.segments().size())
                .put("deadSegments", count(segments, Listing.State.DEAD))
                .put("preparedSegments", count(segments, Listing.State.PREPARED))
                .put("bytes", reader.sizeBytes())
                .put("fileBytes", fileBytes(segments))
                .toString();
    }

    private static String stateName(WalReader reader) {
        return switch (reader.recovery().end()) {
            case NEW -> "empty";
            case CLEAN -> "closed";
            case UNCLOSED -> "unclosed";
            case TORN -> "torn";
        };
    }

    private static long count(List<Listing.Entry> segments, Listing.State state) {
        return segments.stream().filter(segment -> segment.state() == state).count();
    }

    private static long fileBytes(List<Listing.Entry> segments) {
        return segments.stream().mapToLong(Listing.Entry::fileBytes).sum();
    }
}
