package dev.kwal;

import dev.kwal.storage.SnapshotStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the snapshots of a store have to say, one by one. */
final class SnapshotShelf {
    private static final int ATTEMPTS = 20;

    private SnapshotShelf() {}

    /**
     * The snapshots whose headers can be read, oldest first. Looks again if one is deleted meanwhile, by an owner of the log
     * who publishes.
     *
     * @param problems takes what is wrong with the others
     */
    static List<Snapshot> headers(SnapshotStore store, List<WalSnapshotException> problems) throws IOException {
        for (int attempt = 1; ; attempt++) {
            long[] sequences = store.snapshots();
            problems.clear();
            try {
                return headers(store, sequences, problems);
            } catch (NoSuchFileException e) {
                if (attempt == ATTEMPTS || Arrays.equals(sequences, store.snapshots())) {
                    throw e;
                }
            }
        }
    }

    private static List<Snapshot> headers(SnapshotStore store, long[] sequences, List<WalSnapshotException> problems)
            throws IOException {
        var headers = new ArrayList<Snapshot>();
        for (long sequence : sequences) {
            try (var source = store.open(sequence)) {
                headers.add(new SnapshotInput(source, sequence).snapshot());
            } catch (WalSnapshotException e) {
                problems.add(e);
            }
        }
        return headers;
    }

    /** Behind all that are there, damaged ones included. */
    static long nextSequence(SnapshotStore store) throws IOException {
        long[] sequences = store.snapshots();
        return sequences.length == 0 ? 1 : sequences[sequences.length - 1] + 1;
    }

    /** Opens a snapshot that was there before; says so if it is gone, because an owner published meanwhile, for example. */
    static InputStream open(SnapshotStore store, long sequence) throws IOException {
        try {
            return store.open(sequence);
        } catch (NoSuchFileException e) {
            throw new WalSnapshotException(0, "snapshot " + sequence + ": it is gone", e);
        }
    }

    /** Reads a snapshot to its end; null if it is whole. */
    static @Nullable WalSnapshotException problem(SnapshotStore store, long sequence) throws IOException {
        try (var source = open(store, sequence)) {
            new SnapshotInput(source, sequence).drain();
            return null;
        } catch (WalSnapshotException e) {
            return e;
        }
    }

    /** Whether it contains records that a truncation has given up. Where that cannot be known they are taken for given up. */
    static boolean isGivenUp(WalReader log, Snapshot snapshot) {
        if (snapshot.epoch() == log.epoch()) {
            return false;
        }
        if (log instanceof LocalWal local) {
            return local.view.chain().lowestCutSince(snapshot.epoch()) <= snapshot.lsn();
        }
        if (log instanceof ReadOnlyWal reader) {
            return reader.lowestCutSince(snapshot.epoch()) <= snapshot.lsn();
        }
        return true;
    }
}
