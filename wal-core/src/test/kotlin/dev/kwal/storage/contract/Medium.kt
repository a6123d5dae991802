package dev.kwal.storage.contract

import dev.kwal.storage.WalStore

/** An empty place for segments, made for one test of the [StoreContract] and closed after it. */
public interface Medium : AutoCloseable {
    /** Another store on this same place: what is written through one is there for all. */
    public fun store(): WalStore

    /** Puts things beside the segments that do not belong to the store, where a place has room for such. */
    public fun addForeignThings() {}

    /** True if what [addForeignThings] put there is as it was. */
    public fun hasForeignThings(): Boolean = true

    /** What a loss of power at this moment leaves. Called only if the contract was told that the medium loses power. */
    public fun afterPowerLoss(seed: Long): Medium = throw UnsupportedOperationException()

    override fun close() {}
}
