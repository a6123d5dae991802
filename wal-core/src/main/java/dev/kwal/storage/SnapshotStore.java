package dev.kwal.storage;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A place that keeps the snapshots of one log. Implement it to put them on another medium.
 *
 * <p>A snapshot is a sequence of bytes that is written once, named by a positive <em>sequence</em> number. The store never
 * interprets its bytes. Rules that every store keeps:
 *
 * <ul>
 *   <li>{@link #create} is atomic and durable: after it returns, the snapshot survives whatever the store survives; when
 *       it throws, or the power goes while it runs, the snapshot is there whole or not at all.
 *   <li>What is half written is never listed or opened, and is cleared away by a later {@link #create} at the latest.
 *   <li>A snapshot never changes until it is deleted, and a deletion is durable when it returns.
 *   <li>Writing and reading take constant memory, however long the snapshot is.
 *   <li>Nothing but snapshots, and files that the store itself made, is ever touched or listed.
 *   <li>Interrupting a thread inside any call changes nothing, and an {@link IOException} is passed on as it came.
 * </ul>
 *
 * <p>Thread-safe: any thread may list and open. Only one who has the log open, and one thread at a time, creates and
 * deletes; {@link dev.kwal.Snapshots} sees to that.
 */
public interface SnapshotStore {

    /** What goes into a snapshot. */
    @FunctionalInterface
    interface Content {

        /**
         * Writes all of it.
         *
         * @param target buffered; good until this method returns, and closing it does nothing
         * @throws IOException if it cannot be written; the snapshot is given up
         */
        void writeTo(OutputStream target) throws IOException;
    }

    /**
     * The sequences of all snapshots that are there whole, ascending. Creates nothing; none if there is no such place yet.
     *
     * @throws IOException if they cannot be listed
     */
    long[] snapshots() throws IOException;

    /**
     * Writes a snapshot, making the place for it where missing. Durable on return; whole or absent at any time.
     *
     * @param sequence positive; no snapshot of this name exists
     * @param content asked once, on this thread
     * @throws java.nio.file.FileAlreadyExistsException if the snapshot exists; it stays as it was
     * @throws IOException if it cannot be written, of lack of space for example, or the content throws; nothing is left
     *     behind, unless the medium refuses that too
     */
    void create(long sequence, Content content) throws IOException;

    /**
     * Opens a snapshot for reading from its first byte. A read may be as short as it is convenient.
     *
     * @throws java.nio.file.NoSuchFileException if there is no such snapshot
     * @throws IOException if it cannot be opened
     */
    InputStream open(long sequence) throws IOException;

    /**
     * Deletes a snapshot. Durable on return.
     *
     * @throws java.nio.file.NoSuchFileException if there is no such snapshot
     * @throws IOException if it cannot be deleted; it is then still there, or will be gone
     */
    void delete(long sequence) throws IOException;
}
