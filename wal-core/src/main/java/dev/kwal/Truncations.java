package dev.kwal;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Where the log was cut since it was opened, for cursors that began before.
 *
 * <p>Always: epochs and cuts both rise from the oldest to the newest; a lower cut makes higher ones before it superfluous. Of
 * more than {@value #MAX_COUNT} the oldest two are taken together, in favour of an error. Thread-safe.
 */
final class Truncations {
    private static final int MAX_COUNT = 1024;

    private final Deque<Cut> cuts = new ArrayDeque<>();

    /** The first LSN that was given up when an epoch began. */
    private record Cut(long epoch, long lsn) {}

    synchronized void add(long epoch, long lsn) {
        while (!cuts.isEmpty() && cuts.getLast().lsn() >= lsn) {
            cuts.removeLast();
        }
        cuts.addLast(new Cut(epoch, lsn));
        if (cuts.size() > MAX_COUNT) {
            var oldest = cuts.removeFirst();
            var second = cuts.removeFirst();
            cuts.addFirst(new Cut(second.epoch(), oldest.lsn()));
        }
    }

    /** The lowest LSN that was given up after an epoch; {@link Long#MAX_VALUE} if none was. */
    synchronized long lowestSince(long epoch) {
        for (var cut : cuts) {
            if (cut.epoch() > epoch) {
                return cut.lsn();
            }
        }
        return Long.MAX_VALUE;
    }
}
