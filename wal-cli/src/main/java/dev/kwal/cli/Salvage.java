package dev.kwal.cli;

import dev.kwal.Durability;
import dev.kwal.Wal;
import dev.kwal.WalRecord;
import dev.kwal.WalSalvage;
import dev.kwal.storage.NewDirectory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;

/** Writes what is intact in a damaged log to a new log, by appends like any other. */
final class Salvage {
    private static final long MAX_PLACES = 100_000_000;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final WalSalvage found;
    private final boolean keepsLsns;

    /** Of the record that is written now; one without a timestamp gets none. */
    private volatile long timestampMillis;

    private Salvage(WalSalvage found, boolean keepsLsns) {
        this.found = found;
        this.keepsLsns = keepsLsns;
    }

    /**
     * Writes the new log and its report.
     *
     * @param keepsLsns whether an empty record takes the place of each lost one, so that the others keep their LSNs
     */
    static SalvageReport write(WalSalvage found, boolean keepsLsns, Path source, Path target, NewDirectory directory)
            throws IOException {
        var report = new Salvage(found, keepsLsns).write(directory, source, target);
        directory.write("SALVAGE.json", (report.json() + "\n").getBytes(StandardCharsets.UTF_8));
        directory.write("SALVAGE.txt", report.text().getBytes(StandardCharsets.UTF_8));
        directory.complete();
        return report;
    }

    private SalvageReport write(NewDirectory directory, Path source, Path target) throws IOException {
        var options = LogCommand.OPTIONS
                .withDefaultLevel(Durability.BUFFERED)
                .withClock(() -> Instant.ofEpochMilli(timestampMillis));
        try (var log = WalSalvage.newLog(directory.store(), options, firstLsn())) {
            copy(log);
            fill(log, found.lastLsn());
            log.sync();
            return new SalvageReport(found, keepsLsns, source, target, log.logId());
        }
    }

    /** Lost records before the first that is intact need no places. */
    private long firstLsn() {
        if (!keepsLsns) {
            return 1;
        }
        var runs = found.runs();
        return runs.isEmpty() ? found.lastLsn() + 1 : runs.get(0).firstLsn();
    }

    private void copy(Wal log) throws IOException {
        try (var cursor = found.cursor()) {
            while (cursor.next()) {
                fill(log, cursor.lsn() - 1);
                timestampMillis = cursor.timestampMillis();
                if (cursor.tag() == WalRecord.NO_TAG) {
                    log.append(cursor.view());
                } else {
                    log.tagged(cursor.tag()).append(cursor.view());
                }
            }
        }
    }

    private void fill(Wal log, long lastLsn) throws IOException {
        if (keepsLsns && lastLsn - log.lastLsn() > MAX_PLACES) {
            throw new UsageException("LSN " + (log.lastLsn() + 1) + " to " + lastLsn
                    + " are lost, too many for empty records: use --renumber");
        }
        timestampMillis = WalRecord.NO_TIME;
        while (keepsLsns && log.lastLsn() < lastLsn) {
            log.append(NOTHING);
        }
    }
}
