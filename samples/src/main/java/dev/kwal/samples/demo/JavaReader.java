package dev.kwal.samples.demo;

import dev.kwal.Wal;
import java.io.IOException;
import java.nio.file.Path;
import java.util.zip.CRC32;

/** Reads a log in plain Java. */
final class JavaReader {
    private JavaReader() {}

    /**
     * What was read.
     *
     * @param checksum over the bytes of all records
     */
    record Summary(long count, long firstLsn, long lastLsn, int segments, long bytes, long checksum) {}

    static Summary read(Path directory) throws IOException {
        try (var log = Wal.openReadOnly(directory);
                var cursor = log.replay(0)) {
            var checksum = new CRC32();
            var count = 0L;
            while (cursor.next()) {
                checksum.update(cursor.view());
                count++;
            }
            return new Summary(
                    count, log.firstLsn(), log.lastLsn(), log.segments().size(), log.sizeBytes(), checksum.getValue());
        }
    }
}
