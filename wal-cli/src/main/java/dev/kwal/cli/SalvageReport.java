package dev.kwal.cli;

import dev.kwal.WalSalvage;
import java.nio.file.Path;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What was salvaged, and what is lost.
 *
 * @param newId the id of the new log; null if none was written
 */
record SalvageReport(
        WalSalvage found,
        boolean keepsLsns,
        Path source,
        @Nullable Path target,
        @Nullable UUID newId) {

    boolean isComplete() {
        return found.damages().isEmpty() && found.gaps().isEmpty();
    }

    private long records() {
        return found.runs().stream()
                .mapToLong(run -> run.lastLsn() - run.firstLsn() + 1)
                .sum();
    }

    // -- for people

    String text() {
        var text = new StringBuilder();
        line(text, "source     " + source + ", log id " + found.logId());
        if (target != null) {
            line(text, "target     " + target + ", log id " + newId);
            line(text, "LSNs       " + lsnText());
        }
        line(text, "salvaged   " + records() + " records");
        long newLsn = 1;
        for (var run : found.runs()) {
            line(text, "           " + runText(run, newLsn));
            newLsn += run.lastLsn() - run.firstLsn() + 1;
        }
        text.append(losses());
        if (isComplete()) {
            line(text, "nothing is damaged, nothing is lost");
        }
        return text.toString();
    }

    /** A line for each gap, and one for each damage. */
    String losses() {
        var text = new StringBuilder();
        for (var gap : found.gaps()) {
            line(text, "lost       " + range(gap.firstLsn(), gap.lastLsn()));
        }
        for (var damage : found.damages()) {
            line(
                    text,
                    "damage     segment " + damage.segment() + " at byte " + damage.position() + ", " + damage.bytes()
                            + " bytes: " + damage.what());
        }
        return text.toString();
    }

    private String lsnText() {
        return keepsLsns ? "kept; an empty record stands for each lost one, except before the first" : "new, from 1";
    }

    private String runText(WalSalvage.Run run, long newLsn) {
        return range(run.firstLsn(), run.lastLsn())
                + " of segment " + run.segment()
                + (keepsLsns ? "" : ", now from LSN " + newLsn)
                + (run.certain() ? "" : "; a truncation in a segment that is lost may have given them up");
    }

    private static String range(long first, long last) {
        return first == last ? "LSN " + first : "LSN " + first + " to " + last;
    }

    private static void line(StringBuilder text, String line) {
        text.append(line).append('\n');
    }

    // -- for programs

    String json() {
        var id = found.logId();
        return new Json()
                .put("source", source.toString())
                .put("logId", id == null ? null : id.toString())
                .put("target", target == null ? null : target.toString())
                .put("newLogId", newId == null ? null : newId.toString())
                .put("records", records())
                .put("firstLsn", found.firstLsn())
                .put("lastLsn", found.lastLsn())
                .raw("keepsLsns", Boolean.toString(keepsLsns))
                .raw("runs", runs())
                .raw("gaps", gaps())
                .raw("damages", damages())
                .toString();
    }

    private String runs() {
        var runs = new StringBuilder("[");
        long newLsn = 1;
        for (var run : found.runs()) {
            runs.append(runs.length() == 1 ? "" : ",")
                    .append(new Json()
                            .put("segment", run.segment())
                            .put("firstLsn", run.firstLsn())
                            .put("lastLsn", run.lastLsn())
                            .put("newFirstLsn", keepsLsns ? run.firstLsn() : newLsn)
                            .raw("certain", Boolean.toString(run.certain())));
            newLsn += run.lastLsn() - run.firstLsn() + 1;
        }
        return runs.append(']').toString();
    }

    private String gaps() {
        return found.gaps().stream()
                .map(gap -> new Json()
                        .put("firstLsn", gap.firstLsn())
                        .put("lastLsn", gap.lastLsn())
                        .toString())
                .collect(Collectors.joining(",", "[", "]"));
    }

    private String damages() {
        return found.damages().stream()
                .map(damage -> new Json()
                        .put("segment", damage.segment())
                        .put("position", damage.position())
                        .put("bytes", damage.bytes())
                        .put("what", damage.what())
                        .toString())
                .collect(Collectors.joining(",", "[", "]"));
    }
}
