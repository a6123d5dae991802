package dev.kwal.testkit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kwal.Wal;
import dev.kwal.WalOptions;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The testkit as Java sees it, with JUnit. */
final class JavaCrashTest {
    @TestFactory
    Stream<DynamicTest> whatWasSyncedComesBack() {
        return JUnitCrashes.everyCrash(
                new CrashExplorer(Synced::new).withSeed(3).withImages(2));
    }

    private static final class Synced implements CrashScenario {
        private long syncedLsn;

        @Override
        public void run(SimulatedDisk disk) throws Exception {
            try (var log = Wal.open(disk.store(), WalOptions.DEFAULT.withSegmentBytes(1024))) {
                for (var number = 0; number < 5; number++) {
                    syncedLsn = log.appendAndSync(new byte[300]);
                }
            }
        }

        @Override
        public void check(SimulatedDisk survivors, CrashPoint crash) throws Exception {
            try (var log = Wal.open(survivors.store(), WalOptions.DEFAULT.withSegmentBytes(1024))) {
                assertTrue(log.lastLsn() >= syncedLsn, () -> "the last LSN is " + log.lastLsn());
            }
        }
    }
}
