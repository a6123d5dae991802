package dev.kwal;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJJ_Result;
import org.openjdk.jcstress.infra.results.JJ_Result;
import org.openjdk.jcstress.infra.results.JZ_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * What threads see of one another on the write path, in the memory model of the machine. Whatever is not listed as an
 * outcome is forbidden.
 *
 * <p>On x86 a store that lacks a release cannot be seen to be missing one; the model checker and a machine of another kind
 * have to find that.
 */
final class Races {
    private Races() {}

    /** Two appends get two LSNs, and the segment holds both records whole, in the order of their LSNs. */
    @JCStressTest
    @Outcome(id = "1, 2, 12", expect = ACCEPTABLE, desc = "the first, then the second")
    @Outcome(id = "2, 1, 21", expect = ACCEPTABLE, desc = "the second, then the first")
    @State
    public static class Appends {
        private final StressedPath path = new StressedPath();

        @Actor
        public void first(JJJ_Result result) {
            result.r1 = path.append(1);
        }

        @Actor
        public void second(JJJ_Result result) {
            result.r2 = path.append(2);
        }

        @Arbiter
        public void after(JJJ_Result result) {
            result.r3 = path.contents();
        }
    }

    /** Two appends that are dated get their timestamps in the order of their LSNs. */
    @JCStressTest
    @Outcome(id = "1, 2, 1", expect = ACCEPTABLE, desc = "the first, then the second")
    @Outcome(id = "2, 1, 1", expect = ACCEPTABLE, desc = "the second, then the first")
    @State
    public static class DatedAppends {
        private final StressedPath path = new StressedPath();

        @Actor
        public void first(JJJ_Result result) {
            result.r1 = path.appendDated();
        }

        @Actor
        public void second(JJJ_Result result) {
            result.r2 = path.appendDated();
        }

        @Arbiter
        public void after(JJJ_Result result) {
            result.r3 = path.isDatedInOrder() ? 1 : 0;
        }
    }

    /** An append beside a write is in this write or in the next one, and whole in either. */
    @JCStressTest
    @Outcome(id = "2, 12", expect = ACCEPTABLE, desc = "both are there")
    @State
    public static class AppendBesideWrite {
        private final StressedPath path = new StressedPath();

        public AppendBesideWrite() {
            path.append(1);
        }

        @Actor
        public void append(JJ_Result result) {
            result.r1 = path.append(2);
        }

        @Actor
        public void write() {
            path.commit(Durability.WRITTEN);
        }

        @Arbiter
        public void after(JJ_Result result) {
            result.r2 = path.contents();
        }
    }

    /** What counts as durable is flushed, and the marks stand in order, at any moment. */
    @JCStressTest
    @Outcome(id = "true, true", expect = ACCEPTABLE, desc = "nothing is told early")
    @State
    public static class Watermarks {
        private final StressedPath path = new StressedPath();

        @Actor
        public void sync() {
            path.append(1);
            path.commit(Durability.SYNCED);
        }

        @Actor
        public void look(ZZ_Result result) {
            result.r1 = path.isInOrder();
            result.r2 = path.isFlushed();
        }
    }

    /** Two syncs beside each other both come back, and cover what their callers appended. */
    @JCStressTest
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "one group each")
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "one group each")
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "one group, or each saw both")
    @State
    public static class Syncs {
        private final StressedPath path = new StressedPath();

        @Actor
        public void first(JJ_Result result) {
            path.append(1);
            result.r1 = path.commit(Durability.SYNCED);
        }

        @Actor
        public void second(JJ_Result result) {
            path.append(2);
            result.r2 = path.commit(Durability.SYNCED);
        }
    }

    /** A sync beside a failure comes back, with the record or with the failure, and nothing is durable that is not flushed. */
    @JCStressTest
    @Outcome(id = "0, true", expect = ACCEPTABLE, desc = "failed first")
    @Outcome(id = "1, true", expect = ACCEPTABLE, desc = "durable first")
    @State
    public static class FailureBesideSync {
        private final StressedPath path = new StressedPath();

        public FailureBesideSync() {
            path.append(1);
        }

        @Actor
        public void sync(JZ_Result result) {
            result.r1 = path.commit(Durability.SYNCED);
        }

        @Actor
        public void fail() {
            path.fail();
        }

        @Arbiter
        public void after(JZ_Result result) {
            result.r2 = path.isFlushed();
        }
    }
}
