package dev.kwal.samples;

// readme: begin
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.kwal.RecordFile;
import java.io.IOException;
import java.nio.file.Path;

final class RecordFileInJava {
    static void run(Path file) throws IOException {
        try (var manifest = RecordFile.open(file)) { // what a crash tore is cut off
            manifest.appendAndSync("add table 7".getBytes(UTF_8)); // survives power loss when this returns
            try (var cursor = manifest.replay(0)) {
                while (cursor.next()) System.out.println(cursor.lsn() + ": " + UTF_8.decode(cursor.view()));
            }
        }
    }
}
// readme: end
