package dev.kwal;

import dev.kwal.storage.SnapshotStore;
import java.io.IOException;

/**
 * The pins of a log, when its segments were sealed, and its newest writer, on their medium.
 *
 * <p>Always: the table is what the medium has, or, after a change that failed, what it had before; a change is durable before
 * the table shows it. Changed under the life-cycle lock of the log; read by anybody.
 */
final class Pins {
    private final SnapshotStore store;
    private volatile PinTable table;
    /** Not after a change that failed: then the medium may have either table, and the next change is written in any case. */
    private boolean isKnown = true;

    private Pins(SnapshotStore store, PinTable table) {
        this.store = store;
        this.table = table;
    }

    /**
     * Reads the newest table.
     *
     * @throws WalCorruptedException if it is damaged. An older one will not do: it does not know the pins made since
     */
    static Pins load(SnapshotStore store) throws IOException {
        long[] sequences = store.snapshots();
        if (sequences.length == 0) {
            return new Pins(store, PinTable.EMPTY);
        }
        long newest = sequences[sequences.length - 1];
        try (var source = store.open(newest)) {
            return new Pins(store, PinTable.readFrom(new SnapshotInput(source, newest)));
        } catch (WalException e) {
            throw new WalCorruptedException(
                    "pins in " + store + ", which nothing can be dropped without: " + e.getMessage(), e);
        }
    }

    PinTable table() {
        return table;
    }

    /** Makes another table durable, as written in an epoch of the log. */
    void change(PinTable next, long epoch) throws IOException {
        if (isKnown && next.equals(table)) {
            return;
        }
        isKnown = false;
        var name = new Snapshot(SnapshotShelf.nextSequence(store), next.highestLsn(), epoch);
        store.create(name.sequence(), target -> {
            var output = new SnapshotOutput(target, name);
            next.writeTo(output);
            output.end();
        });
        table = next;
        isKnown = true;
        deleteBefore(name.sequence());
    }

    /** An older one that stays does no harm: the newest counts, and the next change tries again. */
    private void deleteBefore(long newest) {
        try {
            for (long sequence : store.snapshots()) {
                if (sequence < newest) {
                    store.delete(sequence);
                }
            }
        } catch (IOException e) {
            return;
        }
    }
}
