package dev.kwal;

import dev.kwal.storage.FileStore;
import dev.kwal.storage.StoreCapabilities;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A write-ahead log: a sequence of records, numbered 1, 2, 3, … without a gap.
 *
 * <p>Two promises. What was acknowledged as {@link Durability#SYNCED} survives a loss of power. What comes back after a
 * crash is exactly what was appended, in order, once: a prefix that contains everything acknowledged.
 *
 * <p>Thread-safe. Calls that wait for durability share flushes (group commit). Interrupting a thread in any call harms
 * nothing: the call goes on to its end and the flag stays set; where a wait should be bounded, use the variants with a
 * {@link Duration}. Virtual threads may call everything.
 *
 * <p>Fail-stop: after a failed write or sync every waiting and every later append and sync gets a
 * {@link WalFailedException} with the original cause; reading goes on up to the last durable record. Reopen to go on.
 *
 * <p>Every method throws {@link WalClosedException} after {@link #close()}, and the accessors keep their last values.
 */
public interface Wal extends WalReader {

    /** What {@link #tryAppend} returns instead of an LSN when there is no room. */
    long NO_ROOM = 0;

    /**
     * Opens the log in a directory with default options, creating it where missing.
     *
     * @throws IOException as {@link #open(WalStore, WalOptions)} does
     */
    static Wal open(Path directory) throws IOException {
        return open(directory, WalOptions.DEFAULT);
    }

    /**
     * Opens the log in a directory, creating it where missing.
     *
     * @throws java.nio.file.FileSystemException if the directory is a file, or cannot be created or written
     * @throws IOException as {@link #open(WalStore, WalOptions)} does
     */
    static Wal open(Path directory, WalOptions options) throws IOException {
        return open(FileStore.of(directory), options);
    }

    /**
     * Opens the log in a store and recovers it. On return every record up to {@link #lastLsn()} survives a loss of power,
     * unless the {@link #state()} is {@link WalState#NO_SPACE}.
     *
     * @throws dev.kwal.storage.StoreLockedException if somebody else has it open
     * @throws WalCorruptedException if synced data is damaged or missing; nothing was changed
     * @throws WalFormatException if a segment cannot be read by this version; nothing was changed
     * @throws IOException if the medium fails; nothing was lost
     */
    static Wal open(WalStore store, WalOptions options) throws IOException {
        return LocalWal.open(store, options);
    }

    /**
     * Opens the log in a directory for reading, beside an owner or without one. Creates and changes nothing.
     *
     * @throws java.nio.file.NoSuchFileException if there is no such directory
     * @throws IOException as {@link #openReadOnly(WalStore, WalOptions)} does
     */
    static WalReader openReadOnly(Path directory) throws IOException {
        return openReadOnly(FileStore.of(directory), WalOptions.DEFAULT);
    }

    /**
     * Opens the log in a store for reading, beside an owner or without one. Creates and changes nothing. Delivers the
     * records that the log itself proves to be durable; an end that is not whole means <em>not yet</em>.
     *
     * @throws WalCorruptedException if synced data is damaged or missing
     * @throws WalFormatException if a segment cannot be read by this version
     * @throws IOException if the medium fails
     */
    static WalReader openReadOnly(WalStore store, WalOptions options) throws IOException {
        return ReadOnlyWal.open(store, options);
    }

    /** What the log can do now. */
    WalState state();

    /** Why the log has {@link WalState#FAILED failed} or has {@link WalState#NO_SPACE no space}; null if neither. */
    @Nullable
    Throwable failure();

    /** What the store can promise; a level that it cannot give is refused. */
    StoreCapabilities capabilities();

    /**
     * Has an observer called after {@link #writtenLsn()}, {@link #durableLsn()}, {@link #firstLsn()}, {@link #epoch()} or
     * {@link #state()} has changed. One call at a time, on a thread of the log for that alone; many changes may be one call. What it throws goes to that thread's handler of uncaught exceptions.
     *
     * @throws IllegalStateException if there are 1,024 observers already
     */
    void addObserver(Runnable observer);

    /** Has an observer called no more; a call that is under way ends. */
    void removeObserver(Runnable observer);

    /** The last record that survives the process; see {@link Durability#WRITTEN}. */
    long writtenLsn();

    /** What it was opened with. */
    WalOptions options();

    /** What was counted and timed since it was opened; a new snapshot for each call. Waits for no I/O. */
    WalMetrics metrics();

    /**
     * Appends a record at the default level of the options.
     *
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    default long append(byte[] record) throws IOException {
        return append(ByteBuffer.wrap(record));
    }

    /**
     * Appends a record at the default level of the options.
     *
     * @param record from its position to its limit
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    long append(ByteBuffer record) throws IOException;

    /**
     * Appends a record.
     *
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    default long append(byte[] record, Durability level) throws IOException {
        return append(ByteBuffer.wrap(record), level);
    }

    /**
     * Appends a record and waits until it has reached a level. Waits also while the buffer is full.
     *
     * @param record from its position to its limit; copied, not kept, its position and limit untouched
     * @param level what the record has survived to on return
     * @return its LSN
     * @throws IllegalArgumentException if it is longer than the limit, or the store cannot give the level
     * @throws WalNoSpaceException if no segment could be prepared; it was not appended
     * @throws WalFailedException if the log has failed; the outcome of this record is unknown
     * @throws WalClosedException after close
     * @throws IllegalStateException if all LSNs are used up
     */
    long append(ByteBuffer record, Durability level) throws IOException;

    /**
     * Like {@link #append(ByteBuffer, Durability)}, for at most so long.
     *
     * @throws WalTimeoutException if the time ran out; its {@code lsn} tells whether the record was accepted
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    long append(ByteBuffer record, Durability level, Duration timeout) throws IOException;

    /**
     * Appends records that come back all or none after a crash, with consecutive LSNs, at the default level.
     *
     * @throws IOException as {@link #appendBatch(List, Durability)} does
     */
    long appendBatch(List<ByteBuffer> records) throws IOException;

    /**
     * Appends records that come back all or none after a crash, with consecutive LSNs. (Only {@link #truncateAfter} can cut a
     * batch in two.)
     *
     * <p>A batch stands in one segment: one longer than {@link WalOptions#segmentBytes()} gets a segment of its own, as long as
     * it takes. One larger than {@link WalOptions#bufferBytes()} waits until the buffer is written, and takes that much memory of
     * its own meanwhile.
     *
     * @param records each from its position to its limit; together, with 24 bytes and at most 7 of padding for each, at most {@link
     *     WalOptions#maxBatchBytes()}, 64 MiB unless set; copied, not kept
     * @param level what the batch has survived to on return
     * @return the LSN of the last; the first has {@code records.size() - 1} less. For an empty list {@link #lastLsn()}
     * @throws IllegalArgumentException if one record is longer than the limit or the batch larger than its limit; none was
     *     appended
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    long appendBatch(List<ByteBuffer> records, Durability level) throws IOException;

    /**
     * Like {@link #appendBatch(List, Durability)}, for at most so long.
     *
     * @throws WalTimeoutException if the time ran out; its {@code lsn} tells whether the batch was accepted
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    long appendBatch(List<ByteBuffer> records, Durability level, Duration timeout) throws IOException;

    /**
     * Appends a record and syncs: it survives a loss of power on return.
     *
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    default long appendAndSync(byte[] record) throws IOException {
        return append(ByteBuffer.wrap(record), Durability.SYNCED);
    }

    /**
     * Appends a record and syncs: it survives a loss of power on return.
     *
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    default long appendAndSync(ByteBuffer record) throws IOException {
        return append(record, Durability.SYNCED);
    }

    /**
     * Like {@link #appendAndSync(ByteBuffer)}, for at most so long.
     *
     * @throws IOException as {@link #append(ByteBuffer, Durability, Duration)} does
     */
    default long appendAndSync(ByteBuffer record, Duration timeout) throws IOException {
        return append(record, Durability.SYNCED, timeout);
    }

    /**
     * Appends a record to the buffer if that needs neither waiting nor I/O. If not, room is made in the background within
     * the flush interval of the options, so that a later try succeeds, unless there is no space.
     *
     * @return its LSN, at level {@link Durability#BUFFERED}, or {@link #NO_ROOM}
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does, but never for lack of space
     */
    long tryAppend(ByteBuffer record) throws IOException;

    /**
     * Appends a batch to the buffer if that needs neither waiting nor I/O. Room is made as by {@link #tryAppend}.
     *
     * @return the LSN of the last, at level {@link Durability#BUFFERED}, or {@link #NO_ROOM}
     * @throws IOException as {@link #appendBatch(List, Durability)} does, but never for lack of space
     */
    long tryAppendBatch(List<ByteBuffer> records) throws IOException;

    /**
     * Appends a record and gives a receipt that completes at a level. Waits only for room.
     *
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    WalTicket appendAsync(ByteBuffer record, Durability level) throws IOException;

    /**
     * Like {@link #appendAsync(ByteBuffer, Durability)}, waiting for room at most so long.
     *
     * @throws WalTimeoutException if the time ran out; it was not appended
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    WalTicket appendAsync(ByteBuffer record, Durability level, Duration timeout) throws IOException;

    /**
     * Appends a batch and gives a receipt that completes at a level. Waits only for room.
     *
     * @throws IOException as {@link #appendBatch(List, Durability)} does
     */
    WalTicket appendBatchAsync(List<ByteBuffer> records, Durability level) throws IOException;

    /**
     * Like {@link #appendBatchAsync(List, Durability)}, waiting for room at most so long.
     *
     * @throws WalTimeoutException if the time ran out; none was appended
     * @throws IOException as {@link #appendBatch(List, Durability)} does
     */
    WalTicket appendBatchAsync(List<ByteBuffer> records, Durability level, Duration timeout) throws IOException;

    /**
     * Appends a record at the default level, if it gets exactly the LSN expected.
     *
     * @throws IOException as {@link #appendIf(long, ByteBuffer, Durability)} does
     */
    default long appendIf(long expectedNextLsn, byte[] record) throws IOException {
        return appendIf(expectedNextLsn, ByteBuffer.wrap(record), options().defaultLevel());
    }

    /**
     * Appends a record, if it gets exactly the LSN expected, and waits until it has reached a level. That is decided together
     * with giving the LSN: of all who expect the same one, one appends. Where room has to be made first, it is decided again
     * when there is room.
     *
     * <p>For optimistic concurrency: decide by the records up to {@link #lastLsn()}, append if no other came between. The LSN
     * alone does not tell a truncation that came between, after which the same LSN is given again: see {@link #epoch()}.
     *
     * @param expectedNextLsn 1 or more: {@code lastLsn() + 1} as the caller knows it
     * @param record from its position to its limit; copied, not kept, its position and limit untouched
     * @param level what the record has survived to on return
     * @return its LSN, which is the one expected
     * @throws WalConflictException if another LSN was next, with both; it was not appended
     * @throws IllegalArgumentException if {@code expectedNextLsn} is less than 1
     * @throws IOException as {@link #append(ByteBuffer, Durability)} does
     */
    long appendIf(long expectedNextLsn, ByteBuffer record, Durability level) throws IOException;

    /**
     * Like {@link #appendIf(long, ByteBuffer, Durability)}, for at most so long.
     *
     * @throws WalTimeoutException if the time ran out; its {@code lsn} tells whether the record was accepted
     * @throws IOException as {@link #appendIf(long, ByteBuffer, Durability)} does
     */
    long appendIf(long expectedNextLsn, ByteBuffer record, Durability level, Duration timeout) throws IOException;

    /**
     * Appends a batch, as {@link #appendBatch(List, Durability)} does, if its first record gets exactly the LSN expected.
     *
     * @param expectedNextLsn as in {@link #appendIf(long, ByteBuffer, Durability)}
     * @return the LSN of the last: {@code expectedNextLsn + records.size() - 1}
     * @throws WalConflictException if another LSN was next, with both, also for an empty batch; none was appended
     * @throws IllegalArgumentException if {@code expectedNextLsn} is less than 1
     * @throws IOException as {@link #appendBatch(List, Durability)} does
     */
    long appendBatchIf(long expectedNextLsn, List<ByteBuffer> records, Durability level) throws IOException;

    /**
     * Like {@link #appendBatchIf(long, List, Durability)}, for at most so long.
     *
     * @throws WalTimeoutException if the time ran out; its {@code lsn} tells whether the batch was accepted
     * @throws IOException as {@link #appendBatchIf(long, List, Durability)} does
     */
    long appendBatchIf(long expectedNextLsn, List<ByteBuffer> records, Durability level, Duration timeout)
            throws IOException;

    /**
     * Appends records that have a tag, a number that readers can choose by: see {@link WalRange#tagged} and {@link
     * WalCursor#tag()}. It takes 8 bytes of each record's frame, none of the record.
     *
     * @param tag 1 or more
     * @return what appends them, beside whoever else does; bound to no epoch
     * @throws IllegalArgumentException if the tag is less than 1
     */
    WalWriter tagged(int tag);

    /**
     * Begins to write with a handle of one's own, and shuts out all who have an older one, of this or an earlier opening of the
     * log: on return none of them gets an LSN any more. Its {@link WalWriter#epoch()} is one higher than any before it, and
     * durable on return, as far as the store is. Whoever appends by the methods of the log itself is not bound by it.
     *
     * <p>Takes a few flushes, and syncs what is buffered: for a change of leaders, not for each append. After an exception the
     * older writers are shut out or not.
     *
     * @throws IOException if the epoch cannot be written, as on a full disk, or as {@link #commit} does
     */
    WalWriter beginWriting() throws IOException;

    /**
     * A barrier: on return every record appended before the call, by any thread, survives a loss of power.
     *
     * @return the durable LSN
     * @throws IOException as {@link #commit} does
     */
    default long sync() throws IOException {
        return sync(lastLsn());
    }

    /**
     * Like {@link #sync()}, for at most so long. When the time runs out the commit goes on.
     *
     * @throws IOException as {@link #commit(long, Durability, Duration)} does
     */
    default long sync(Duration timeout) throws IOException {
        return sync(lastLsn(), timeout);
    }

    /**
     * Waits until every record up to {@code lsn} survives a loss of power.
     *
     * @return the durable LSN: at least {@code lsn}, unless {@link #truncateAfter} has given that record up
     * @throws IOException as {@link #commit} does
     */
    default long sync(long lsn) throws IOException {
        return commit(lsn, Durability.SYNCED);
    }

    /**
     * Like {@link #sync(long)}, for at most so long. When the time runs out the commit goes on.
     *
     * @throws IOException as {@link #commit(long, Durability, Duration)} does
     */
    default long sync(long lsn, Duration timeout) throws IOException {
        return commit(lsn, Durability.SYNCED, timeout);
    }

    /**
     * Brings every record up to {@code lsn} to a level, doing the work on this thread unless another is at it.
     *
     * @param lsn 0 to {@link #lastLsn()}
     * @return the last LSN at that level: at least {@code lsn}, unless {@link #truncateAfter} has given that record up
     * @throws IllegalArgumentException if no such record was ever appended, or the store cannot give the level
     * @throws WalFailedException if the log failed first
     * @throws WalClosedException after close
     */
    long commit(long lsn, Durability level) throws IOException;

    /**
     * Like {@link #commit(long, Durability)}, for at most so long; another thread does the work. When the time runs out it
     * goes on.
     *
     * @throws WalTimeoutException if the time ran out
     * @throws IOException as {@link #commit(long, Durability)} does
     */
    long commit(long lsn, Durability level, Duration timeout) throws IOException;

    /**
     * Seals the current segment and begins the next; does nothing if the current one has no record. Syncs.
     *
     * @throws WalNoSpaceException if no segment could be prepared; the current one goes on
     * @throws IOException as {@link #commit} does
     */
    void rotate() throws IOException;

    /**
     * Like {@link #rotate()}, for at most so long. When the time runs out it goes on in the background, unless the log is
     * closed before it has begun.
     *
     * @throws WalTimeoutException if the time ran out
     * @throws IOException as {@link #rotate()} does
     */
    void rotate(Duration timeout) throws IOException;

    /**
     * Drops the prefix: records up to and including {@code lsn} are no longer needed. What a {@link WalPin} or the {@link
     * WalListener} holds stays, and is dropped when the pin lets it go. The new {@link #firstLsn()},
     * {@code lsn + 1} at the most, is durable before segments are deleted, whole ones only, oldest first, never the one being written.
     * Does nothing for an {@code lsn} already dropped. Records still buffered are synced first.
     *
     * @param lsn at most {@link #lastLsn()}, not negative
     * @return how many segments were deleted
     * @throws IllegalArgumentException if {@code lsn} is out of that range
     * @throws IOException as {@link #commit} does; or if a deletion fails, after which the prefix is dropped all the same and
     *     the next checkpoint tries again
     */
    int checkpoint(long lsn) throws IOException;

    /**
     * Like {@link #checkpoint(long)}, for at most so long. When the time runs out it goes on in the background, unless the log
     * is closed before it has begun.
     *
     * @throws WalTimeoutException if the time ran out
     * @throws IOException as {@link #checkpoint(long)} does
     */
    int checkpoint(long lsn, Duration timeout) throws IOException;

    /**
     * As {@link #pin(String, WalPin.Overflow)}, with {@link WalPin.Overflow#KEEP} if the pin is new; one that there is stays
     * as it is.
     *
     * @throws IOException as that does
     */
    WalPin pin(String name) throws IOException;

    /**
     * The pin of this name, which holds records for a slow reader across restarts. If there is none it is made, and holds
     * everything from {@link #firstLsn()} on; otherwise it stays where it is. Durable on return, as far as the store is.
     *
     * @param name text of 1 to 255 bytes in UTF-8
     * @param overflow what becomes of it when the log is full, from now on
     * @throws IllegalArgumentException if the name is none
     * @throws IllegalStateException if there are 1,024 pins already
     * @throws IOException if it cannot be written, as on a full disk, or as {@link #commit} does; it holds nothing, unless
     *     there was one
     */
    WalPin pin(String name, WalPin.Overflow overflow) throws IOException;

    /** All pins, in the order in which they were made: a snapshot. */
    List<WalPin> pins();

    /**
     * Copies each segment that is complete, from now on, and holds it by the pin of this name until it is copied. A segment is
     * complete when the next one has begun; see {@link WalOptions#segmentAge()}. Copying ends with the log.
     *
     * @param name as in {@link #pin(String)}
     * @throws IllegalStateException if there are 64 archivers or 1,024 pins already, or an archiver of this name is not closed
     * @throws IOException as {@link #pin(String)} does
     */
    WalArchiver archive(String name, SegmentArchive archive) throws IOException;

    /**
     * Gives up the suffix: records behind {@code lsn} are gone on return, durably, and their LSNs are assigned again in a new
     * {@link #epoch()}. A batch may be cut in two. Does nothing if {@code lsn} is the last. Cursors behind {@code lsn} end with {@link WalGoneException}.
     * Records appended by other threads meanwhile are given up too.
     *
     * @param lsn from {@code firstLsn() - 1} to {@link #lastLsn()}
     * @throws IllegalArgumentException if {@code lsn} is out of that range
     * @throws WalNoSpaceException if no segment could be prepared; nothing was given up
     * @throws IOException as {@link #commit} does
     */
    void truncateAfter(long lsn) throws IOException;

    /**
     * Like {@link #truncateAfter(long)}, for at most so long. When the time runs out it goes on in the background, unless the
     * log is closed before it has begun: append nothing before the {@link #epoch()} or a second call tells that it is done.
     *
     * @throws WalTimeoutException if the time ran out
     * @throws IOException as {@link #truncateAfter(long)} does
     */
    void truncateAfter(long lsn, Duration timeout) throws IOException;

    /**
     * Drains, syncs, marks the log as closed, syncs, and gives the store up. Calls that wait are finished first; later calls
     * get {@link WalClosedException}. Idempotent: a second call does nothing.
     *
     * @throws WalFailedException if the log failed, before or now, and records appended are not durable
     * @throws WalNoSpaceException if there was no space to make durable again what opening had recovered
     * @throws IOException if the store complains
     */
    @Override
    void close() throws IOException;

    /**
     * Like {@link #close()}, for at most so long: for a medium that does not answer. Nothing is accepted from the call on.
     * When the time runs out closing goes on in the background, and the store is given up at its end.
     *
     * @throws WalTimeoutException if the time ran out
     * @throws IOException as {@link #close()} does
     */
    void close(Duration timeout) throws IOException;
}
