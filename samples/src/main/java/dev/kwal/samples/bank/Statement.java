package dev.kwal.samples.bank;

// readme: begin
import dev.kwal.Durability;
import dev.kwal.Wal;
import dev.kwal.WalOptions;
import dev.kwal.WalRange;
import dev.kwal.WalReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

final class Statement {
    static final WalOptions DATED = WalOptions.DEFAULT.withClock(InstantSource.system()); // of each record, 8 bytes

    static void book(Wal log, int account, ByteBuffer record) throws IOException {
        log.tagged(account).append(record, Durability.SYNCED); // 8 bytes more
    }

    static List<String> newestFirst(WalReader log, int account, Instant since) throws IOException {
        var lines = new ArrayList<String>();
        var range = WalRange.from(log.firstLsnSince(since)).tagged(account).reversed();
        try (var cursor = log.replay(range)) {
            while (cursor.next()) {
                lines.add(Instant.ofEpochMilli(cursor.timestampMillis()) + " " + Accounts.balance(cursor.view()));
            }
        }
        return lines;
    }
}
// readme: end
