package dev.kwal;

import dev.kwal.storage.FileStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The reading side of a log. A {@link Wal} is one; {@link Wal#openReadOnly} gives one that works beside the owner.
 *
 * <p>A log that is open for reading beside its owner tells what it saw at its last look: when it was opened, when a cursor
 * was, when a record behind the last one is read, and whenever a follow cursor waits.
 *
 * <p>Thread-safe. Any number of cursors may be open.
 */
public interface WalReader extends Closeable {

    /**
     * What tells this log from every other: drawn at random when the log was made, and kept in each of its segments. Null if
     * the log is open for reading and has no segment yet.
     */
    @Nullable
    UUID logId();

    /** The first record that can be read; {@code lastLsn() + 1} if there is none. */
    long firstLsn();

    /** The last record that was appended; {@code firstLsn() - 1} if there is none. */
    long lastLsn();

    /** The last record that is known to survive a loss of power; 0 if none is. */
    long durableLsn();

    /** How many times a suffix was given up by {@link Wal#truncateAfter}; durable with the log. */
    long epoch();

    /** The segments, oldest first: a snapshot. */
    List<SegmentInfo> segments();

    /** How many bytes the segments hold together. */
    long sizeBytes();

    /** What opening found and did. */
    RecoveryReport recovery();

    /**
     * Reads one record.
     *
     * @param lsn from {@link #firstLsn()} to {@link #lastLsn()}
     * @throws WalGoneException if it was dropped by a checkpoint
     * @throws IllegalArgumentException if no such record was appended yet, or {@code lsn < 1}
     * @throws WalCorruptedException if it is damaged
     * @throws WalClosedException after close
     * @throws IOException if reading fails
     */
    WalRecord read(long lsn) throws IOException;

    /**
     * A cursor over everything from {@code fromLsn} to the last record at the time of the call. On a failed log it ends at
     * the last durable record; on a read-only log too.
     *
     * @param fromLsn from {@link #firstLsn()} to {@code lastLsn() + 1}; 0 stands for the first
     * @throws WalGoneException if {@code fromLsn} was dropped by a checkpoint
     * @throws IllegalArgumentException if {@code fromLsn} is negative or behind {@code lastLsn() + 1}
     * @throws WalClosedException after close
     * @throws IOException if buffered records cannot be written first
     */
    WalCursor replay(long fromLsn) throws IOException;

    /**
     * A cursor over a range, of what {@link #replay(long)} gives, in either direction. Backwards it needs memory for 256 KiB of
     * records and one more.
     *
     * @throws IllegalArgumentException if {@code fromLsn} is behind {@code lastLsn() + 1}
     * @throws IOException as {@link #replay(long)} does
     */
    WalCursor replay(WalRange range) throws IOException;

    /**
     * The first record that was appended at a time or later, by {@link WalOptions#clock()}: where to begin reading in order to
     * read what happened since. The time is cut to its millisecond. Takes about as many short reads as its number has bits; records without a timestamp are passed
     * over, one by one. Damage behind the record makes it slow, since then everything before it is read, but does not matter.
     *
     * @return its LSN; {@code lastLsn() + 1} if there is none
     * @throws WalCorruptedException if a record that has to be looked at is damaged: itself, or one before it
     * @throws WalFormatException if such a record is longer than {@code maxRecordBytes}
     * @throws WalClosedException after close
     * @throws IOException if reading fails
     */
    default long firstLsnSince(Instant time) throws IOException {
        return new DatedRecords(this).firstSince(DatedRecords.millis(time));
    }

    /**
     * A cursor that goes on with new records as they become durable.
     *
     * @param fromLsn as in {@link #replay}
     * @throws IOException as {@link #replay} does
     */
    default WalCursor follow(long fromLsn) throws IOException {
        return follow(fromLsn, Durability.SYNCED);
    }

    /**
     * A cursor that goes on with new records as they reach a level.
     *
     * @param fromLsn as in {@link #replay}
     * @param level {@link Durability#WRITTEN} or {@link Durability#SYNCED}; a read-only log knows only the latter
     * @throws IllegalArgumentException also if the level is not one of these
     * @throws IOException as {@link #replay} does
     */
    WalCursor follow(long fromLsn, Durability level) throws IOException;

    /**
     * Copies the log into a directory that does not exist yet, while it is in use or not. To restore is to open the copy.
     *
     * @throws IOException as {@link #backup(FileStore)} does
     */
    default WalBackup backup(Path directory) throws IOException {
        return backup(FileStore.of(directory));
    }

    /**
     * Copies the log into a directory that does not exist yet, while it is in use or not. To restore is to open the copy.
     *
     * <p>The copy is the log as it was at one moment during the call, as if its owner had been killed then. It has every record
     * that was durable when the call began, and all that the owner had appended by then if it is the owner who calls. It may
     * have some more, also such as the log itself would lose if the power went now.
     *
     * <p>On return it is read and checked in full, and survives a loss of power. The directory gets its name only then; until
     * then, and after the process was killed in the middle, it is called {@code ….partial}. Appends, checkpoints and truncations
     * go on meanwhile; if one of them takes away what is being copied, the copy is made again, up to 20 times.
     *
     * <p>Sealed segments of a {@link FileStore} get a second name, a hard link, where the file system has such and the copy is
     * on the same. That costs no space, and protects from deletion, but not from damage: the bytes are shared. Neither log ever
     * writes to them again. Everything else is copied.
     *
     * <p>The copy has the same {@link #logId()} and {@link #epoch()}. If both are opened and appended to, they diverge under the
     * same id and with the same LSNs: do not mix their segments. Snapshots are no part of it. They are to be copied
     * after the log, those of them whose LSN is at least {@code firstLsn - 1} and at most {@code lastLsn} of the result.
     *
     * @param target a store in the directory to be made; its settings but for preallocation and reserve are those of new files
     * @throws java.nio.file.FileAlreadyExistsException if the directory, or its {@code ….partial}, exists; it is left alone
     * @throws WalCorruptedException if the log is damaged; there is no backup then
     * @throws WalClosedException after close
     * @throws IOException if reading or writing fails; nothing is left behind, if that can be deleted
     */
    WalBackup backup(FileStore target) throws IOException;

    /**
     * Ends reading. Cursors that wait, end. Idempotent.
     *
     * @throws IOException if the medium complains
     */
    @Override
    void close() throws IOException;
}
