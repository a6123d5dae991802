package dev.kwal.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;

/**
 * A log under load for as long as is asked, ten minutes by default: {@code java -cp stress/target/stress.jar
 * dev.kwal.soak.Soak [MINUTES]}.
 *
 * <p>One life of the log follows the other in one directory; every third ends with a flush that fails. At the end it prints
 * what the process held over time. Exits with 1 if it holds more and more, or if a record is lost.
 */
public final class Soak {
    private Soak() {}

    public static void main(String... arguments) throws IOException, InterruptedException {
        var duration =
                Duration.ofSeconds(arguments.length == 0 ? 600 : Math.round(60 * Double.parseDouble(arguments[0])));
        var directory = Files.createTempDirectory("kwal-soak");
        var holdings = new Holdings(duration);
        long end = System.nanoTime() + duration.toNanos();
        long safeLsn = 0;
        long lives = 0;
        while (System.nanoTime() < end) {
            var life = new Life(directory, ++lives, safeLsn);
            safeLsn = life.run();
            holdings.note();
        }
        System.out.printf("%d lives of the log, %,d records acknowledged as synced%n", lives, safeLsn);
        holdings.print(System.out);
        delete(directory);
        System.exit(holdings.haveGrown() ? 1 : 0);
    }

    private static void delete(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
