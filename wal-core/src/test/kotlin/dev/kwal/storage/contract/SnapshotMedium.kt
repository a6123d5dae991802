package dev.kwal.storage.contract

import dev.kwal.storage.SnapshotStore

/** An empty place for snapshots, made for one test of the [SnapshotStoreContract] and closed after it. */
public interface SnapshotMedium : AutoCloseable {
    /** Another store on this same place: what is written through one is there for all. */
    public fun store(): SnapshotStore

    /**
     * Puts things beside the snapshots that do not belong to the store, and one that a run which ended early left half
     * written, where a place has room for such. Nothing of it is a snapshot.
     */
    public fun addForeignThings() {}

    /** True if what [addForeignThings] put there is as it was, and what was half written is gone. */
    public fun hasForeignThings(): Boolean = true

    /** What a loss of power at this moment leaves. Called only if the contract was told that the medium loses power. */
    public fun afterPowerLoss(seed: Long): SnapshotMedium = throw UnsupportedOperationException()

    override fun close() {}
}
