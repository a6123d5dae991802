package dev.kwal.samples.bank;

// readme: begin
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.kwal.WalOptions;
import dev.kwal.testkit.CrashExplorer;
import dev.kwal.testkit.CrashPoint;
import dev.kwal.testkit.CrashScenario;
import dev.kwal.testkit.JUnitCrashes;
import dev.kwal.testkit.SimulatedDisk;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

final class AccountsCrashTest {
    @TestFactory
    Stream<DynamicTest> noMoneyIsLostByAnyCrash() {
        return JUnitCrashes.everyCrash(new CrashExplorer(Transfers::new));
    }

    private static final class Transfers implements CrashScenario {
        private static final WalOptions OPTIONS = WalOptions.DEFAULT.withSegmentBytes(1024);

        private Map<Integer, Long> acknowledged = Map.of();
        private Map<Integer, Long> next = Map.of(1, 100L);

        @Override
        public void run(SimulatedDisk disk) throws Exception {
            try (var accounts = Accounts.open(disk.store(), OPTIONS)) {
                accounts.deposit(1, 100);
                acknowledged = accounts.balances();
                for (var amount = 1L; amount <= 8; amount++) {
                    next = Map.of(1, acknowledged.get(1) - amount, 2, acknowledged.getOrDefault(2, 0L) + amount);
                    accounts.transfer(1, 2, amount);
                    acknowledged = accounts.balances();
                }
            }
        }

        @Override
        public void check(SimulatedDisk survivors, CrashPoint crash) throws Exception {
            try (var accounts = Accounts.open(survivors.store(), OPTIONS)) {
                var found = accounts.balances();
                assertTrue(List.of(acknowledged, next).contains(found), () -> found + " after " + acknowledged);
            }
        }
    }
}
// readme: end
