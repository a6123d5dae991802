package dev.kwal;

import java.io.IOException;
import java.time.Instant;

/** Finds records by their timestamps, which never go back. Records without one are passed over. */
final class DatedRecords {
    private final WalReader log;

    DatedRecords(WalReader log) {
        this.log = log;
    }

    /** Of a time, however far away it is. */
    static long millis(Instant time) {
        if (time.isBefore(Instant.EPOCH)) {
            return 0;
        }
        var latest = Instant.ofEpochMilli(Format.MAX_EXTENSION_NUMBER);
        return time.isAfter(latest) ? Long.MAX_VALUE : time.toEpochMilli();
    }

    /** The first record with this timestamp or a later one; the one behind the last if there is none. */
    long firstSince(long millis) throws IOException {
        boolean isInOrder = false;
        while (true) {
            long firstLsn = log.firstLsn();
            long epoch = log.epoch();
            long endLsn = log.lastLsn() + 1;
            try {
                return isInOrder ? scan(millis, firstLsn, endLsn) : search(millis, firstLsn, endLsn);
            } catch (WalCorruptedException | WalFormatException e) {
                if (isInOrder) {
                    throw e;
                }
                // It may be behind what is looked for, where it does not matter.
                isInOrder = true;
            } catch (WalGoneException | IllegalArgumentException e) {
                // A checkpoint or a truncation took away what was looked at.
                if (log.firstLsn() == firstLsn && log.epoch() == epoch) {
                    throw e;
                }
            }
        }
    }

    /** By halves; each time the first dated record of the upper half decides. */
    private long search(long millis, long firstLsn, long endLsn) throws IOException {
        long found = endLsn;
        long low = firstLsn;
        long high = endLsn;
        while (low < high) {
            long middle = low + (high - low) / 2;
            try (var cursor = log.replay(WalRange.from(middle).to(high - 1))) {
                if (!nextDated(cursor)) {
                    high = middle;
                } else if (cursor.timestampMillis() >= millis) {
                    found = cursor.lsn();
                    high = middle;
                } else {
                    low = cursor.lsn() + 1;
                }
            }
        }
        return found;
    }

    /** In order. */
    private long scan(long millis, long firstLsn, long endLsn) throws IOException {
        try (var cursor = log.replay(WalRange.from(firstLsn).to(endLsn - 1))) {
            while (nextDated(cursor)) {
                if (cursor.timestampMillis() >= millis) {
                    return cursor.lsn();
                }
            }
        }
        return endLsn;
    }

    /** The last timestamp that can be read, segment by segment from the end; {@link WalRecord#NO_TIME} if there is none. */
    long lastOf(SegmentChain chain) throws IOException {
        long millis = WalRecord.NO_TIME;
        long endLsn = log.lastLsn() + 1;
        for (int number = chain.segments().size() - 1; number >= 0 && millis == WalRecord.NO_TIME; number--) {
            long baseLsn = Math.max(log.firstLsn(), chain.segments().get(number).baseLsn());
            millis = lastIn(WalRange.from(baseLsn).to(endLsn - 1));
            endLsn = baseLsn;
        }
        return millis;
    }

    /** Damage is left to be told to whoever reads there: it keeps nobody from appending. */
    private long lastIn(WalRange range) throws IOException {
        try (var cursor = log.replay(range.reversed())) {
            return nextDated(cursor) ? cursor.timestampMillis() : WalRecord.NO_TIME;
        } catch (WalGoneException | WalCorruptedException | WalFormatException e) {
            return WalRecord.NO_TIME;
        }
    }

    private static boolean nextDated(WalCursor cursor) throws IOException {
        while (cursor.next()) {
            if (cursor.timestampMillis() != WalRecord.NO_TIME) {
                return true;
            }
        }
        return false;
    }
}
