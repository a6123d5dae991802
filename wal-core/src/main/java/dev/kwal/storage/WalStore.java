package dev.kwal.storage;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A place that keeps the segments of one log. Implement it to put a log on another medium.
 *
 * <p>A segment is an append-only sequence of bytes, named by a positive <em>sequence</em> number. The store never
 * interprets its bytes. Rules that every store keeps, and that the published contract test checks:
 *
 * <ul>
 *   <li>{@link #create} is atomic and durable: after it returns, the segment and its header survive a loss of power;
 *       when it throws, or the power goes while it runs, the segment is there whole or not at all.
 *   <li>Bytes become durable by {@link SegmentWriter#sync()} only, with the names of all directories on the way.
 *   <li>Bytes once synced never change until the segment is deleted. Reading beyond the appended bytes gives the end,
 *       zeros, or bytes of an earlier use of the same space; the log tells them from its own.
 *   <li>A deletion may come back after a loss of power until the next {@link #create} returned; the log is prepared.
 *   <li>Nothing but segments, and files that the store itself made, is ever touched or listed.
 *   <li>Interrupting a thread inside any call changes nothing: the call goes on, and later calls work.
 *   <li>An {@link IOException} is passed on as it came. {@link #create} and {@link #resume} may be tried again after
 *       one; a {@link SegmentWriter} may not.
 * </ul>
 *
 * <p>Thread-safe: any thread may call any method. The log calls mutating methods of one sequence by one thread at a
 * time, and holds the lock while it calls any of them.
 */
public interface WalStore {

    /** What this store can promise. Constant for its life. */
    StoreCapabilities capabilities();

    /**
     * Takes the store for this process and this caller alone, creating the place for the segments where missing.
     *
     * @return closes to give the store up; idempotent
     * @throws StoreLockedException if somebody else, in this process or another, has it
     * @throws IOException if the place cannot be created or the lock cannot be taken
     */
    Closeable lock() throws IOException;

    /**
     * The sequences of all segments present, ascending. Needs no lock, creates nothing.
     *
     * @throws java.nio.file.NoSuchFileException if the place for the segments does not exist
     * @throws IOException if it cannot be listed, or two names stand for the same sequence
     */
    long[] segments() throws IOException;

    /**
     * Creates a segment that starts with the header. Durable on return; whole or absent at any time.
     *
     * @param sequence positive; no segment of this name exists
     * @param header the first bytes, from position to limit; the store does not keep the buffer
     * @param expectedBytes how long the segment is expected to become, header included; a store may prepare that space.
     *     0 says that the segment is needed in order to free space: a store may draw on a reserve
     * @return the writer, positioned behind the header
     * @throws java.nio.file.FileAlreadyExistsException if the segment exists; it stays as it was
     * @throws IOException if it cannot be created, of lack of space for example; nothing is left behind
     */
    SegmentWriter create(long sequence, ByteBuffer header, long expectedBytes) throws IOException;

    /**
     * Goes on with an existing segment. The caller vouches that everything before {@code position} is synced and that
     * nothing behind it is needed.
     *
     * @param position where the next byte goes, at most the size
     * @param expectedBytes as in {@link #create}
     * @throws java.nio.file.NoSuchFileException if there is no such segment
     * @throws UnsupportedOperationException if {@link StoreCapabilities#resumable()} is false
     * @throws IOException if it cannot be opened for writing, or space cannot be prepared
     */
    SegmentWriter resume(long sequence, long position, long expectedBytes) throws IOException;

    /**
     * Where the log keeps its pins, and the epoch of its newest writer: a place of its own beside the segments, as durable as
     * they are. A store on top of another gives that one's. Creates nothing; the first pin or writer does.
     */
    SnapshotStore pins();

    /**
     * Opens a segment for reading. Works beside a writer, and without the lock.
     *
     * @throws java.nio.file.NoSuchFileException if there is no such segment
     * @throws IOException if it cannot be opened
     */
    SegmentReader open(long sequence) throws IOException;

    /**
     * Deletes a segment, or keeps its space for reuse. Open readers go on reading or fail with an {@link IOException},
     * as the medium has it; they may also see bytes of the next use, which the log recognises.
     *
     * @throws java.nio.file.NoSuchFileException if there is no such segment
     * @throws IOException if it cannot be deleted; it is then still there, or will be gone
     */
    void delete(long sequence) throws IOException;
}
