package dev.kwal.samples;

// readme: begin
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.kwal.Wal;
import java.io.IOException;
import java.nio.file.Path;

final class QuickStartInJava {
    static void run(Path directory) throws IOException {
        try (var log = Wal.open(directory)) {
            var lsn = log.appendAndSync("order 1 paid".getBytes(UTF_8)); // survives power loss when this returns
            log.append("order 1 packed".getBytes(UTF_8)); // survives kill -9 when this returns
            log.sync(); // and power loss, from here on
            try (var cursor = log.replay(lsn)) {
                while (cursor.next()) System.out.println(cursor.lsn() + ": " + UTF_8.decode(cursor.view()));
            }
        }
    }
}
// readme: end
