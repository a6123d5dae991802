package dev.kwal;

import java.io.IOException;

/**
 * Holds the records behind an LSN in the log for one reader, by name, across restarts: no checkpoint and no retention drops
 * them. {@link Wal#pin} makes one.
 *
 * <p>Its reader goes on with {@code replay(pin.lsn() + 1)}, or {@code follow}, and advances the pin when it has done with what
 * it read. Thread-safe. All objects of one name are the same pin.
 */
public final class WalPin {
    private final Keeper keeper;
    private final String name;

    /** What becomes of a pin that keeps a log at its {@link Retention#maxBytes() quota} from dropping records. */
    public enum Overflow {
        /** It stays: the log is full, and appends fail with {@link WalNoSpaceException} until it advances. */
        KEEP,
        /** It is dropped, oldest first, as far as that makes room: appends go on, and its reader has lost its place. */
        DROP
    }

    /**
     * How far a reader is behind.
     *
     * @param records how many records it has not done with
     * @param bytes how many bytes the segments have that hold them; 0 if there are none
     */
    public record Lag(long records, long bytes) {}

    /** How many truncations there were, for {@link #advance(long, long)}. */
    long epoch() {
        return keeper.epoch();
    }

    /** Advances unless a truncation came since an epoch; whether it did. */
    boolean advance(long lsn, long epoch) throws IOException {
        return keeper.advance(name, lsn, epoch);
    }

    WalPin(Keeper keeper, String name) {
        this.keeper = keeper;
        this.name = name;
    }

    /** The name. */
    public String name() {
        return name;
    }

    /**
     * The last record that the reader does not need any more; those behind it are held.
     *
     * @throws WalGoneException if the pin was dropped
     */
    public long lsn() throws WalGoneException {
        return keeper.pinned(name).lsn();
    }

    /**
     * What becomes of it when the log is full.
     *
     * @throws WalGoneException if the pin was dropped
     */
    public Overflow overflow() throws WalGoneException {
        return keeper.pinned(name).overflow();
    }

    /** Whether it holds nothing any more. */
    public boolean isDropped() {
        return keeper.isDropped(name);
    }

    /**
     * How far its reader is behind the last record.
     *
     * @throws WalGoneException if the pin was dropped
     */
    public Lag lag() throws WalGoneException {
        return keeper.lag(name);
    }

    /**
     * Lets go of the records up to and including {@code lsn}. They are made as durable as the store can first, then the
     * pin; then what a checkpoint has asked to drop, or retention would, is dropped as far as this pin held it, if that lets
     * a whole segment go; otherwise with the next checkpoint. Does nothing for an {@code lsn} that it has let go already.
     *
     * <p>Durable on return, which takes a few flushes: advance once for many records. After an exception the pin may or may
     * not have advanced.
     *
     * @param lsn at most {@link Wal#lastLsn()}, not negative
     * @throws IllegalArgumentException if {@code lsn} is out of that range
     * @throws WalGoneException if the pin was dropped
     * @throws IOException as {@link Wal#checkpoint} does, or if the pin cannot be written
     */
    public void advance(long lsn) throws IOException {
        keeper.advance(name, lsn);
    }

    /**
     * Lets go of everything, for good: the name is free. Durable on return. Then drops as {@link #advance} does. Does nothing
     * if the pin was dropped.
     *
     * @throws IOException as {@link Wal#checkpoint} does, or if that cannot be written
     */
    public void drop() throws IOException {
        keeper.drop(name);
    }

    /** The name, and how far it is. */
    @Override
    public String toString() {
        return keeper.describe(name);
    }
}
