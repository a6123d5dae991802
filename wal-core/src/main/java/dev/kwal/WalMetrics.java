package dev.kwal;

import java.time.Duration;

/**
 * What a log has counted and timed since it was opened, and how it stands: a snapshot, of one moment.
 *
 * <p>Times are nanoseconds of a clock that only goes forward. Writes and flushes that failed are not counted, nor are those
 * of the recovery.
 *
 * @param appendedRecords how many records were appended, those that a truncation gave up included
 * @param appendedBytes how many bytes they take in the log, with frames and what the log notes for itself
 * @param bufferedBytes how many of those bytes are still in the buffer
 * @param writeNanos how long each write took, which hands all that is buffered to the store
 * @param recordsPerWrite how many records each write held; none for what the log noted for itself
 * @param flushNanos how long each flush took
 * @param recordsPerFlush how many records each flush made durable: the size of the groups in group commit
 * @param slowFlushes how many flushes ran longer than {@link WalListener#slowFlushLimit()}, one that is still running
 *     included
 * @param roomWaitNanos how long each append waited that found no room, for the buffer to be written or the next segment to be
 *     begun; of suspended coroutines only those that needed a segment
 * @param rotationNanos how long each rotation took, during which nothing is appended; the first segment that is begun after
 *     opening counts as one
 * @param waiting how many calls wait now for what another thread writes or flushes, and how many tickets are not completed;
 *     suspended coroutines that wait for the same level count as one
 * @param oldestUnsynced how long ago the first of the records was written that are not durable yet; zero if there is none. It
 *     grows while a write or flush hangs, and as long as nobody syncs
 * @param recovery how long opening took, recovery included
 */
public record WalMetrics(
        long appendedRecords,
        long appendedBytes,
        long bufferedBytes,
        WalHistogram writeNanos,
        WalHistogram recordsPerWrite,
        WalHistogram flushNanos,
        WalHistogram recordsPerFlush,
        long slowFlushes,
        WalHistogram roomWaitNanos,
        WalHistogram rotationNanos,
        int waiting,
        Duration oldestUnsynced,
        Duration recovery) {}
