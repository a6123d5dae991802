package dev.kwal.storage

import dev.kwal.storage.contract.Medium
import dev.kwal.storage.contract.SnapshotMedium
import dev.kwal.storage.contract.SnapshotStoreContract
import dev.kwal.storage.contract.StoreContract
import dev.kwal.testkit.SimulatedDisk

/** The contract on the simulated disk. */
class SimulatedDiskStoreSpec : StoreContract({ SimulatedPlace(SimulatedDisk()) }, losesPower = true)

class RecyclingSimulatedDiskStoreSpec :
    StoreContract({ SimulatedPlace(SimulatedDisk(), recycling = 2) }, losesPower = true)

class ShortTransfersStoreSpec :
    StoreContract({ SimulatedPlace(SimulatedDisk(1).apply { shortTransfers = true }) }, losesPower = true)

/** Open files cannot be renamed or deleted, as on Windows. */
class KeepsOpenFilesStoreSpec :
    StoreContract({ SimulatedPlace(SimulatedDisk().apply { keepsOpenFiles = true }, recycling = 1) })

class SimulatedDiskSnapshotsSpec :
    SnapshotStoreContract({ SimulatedSnapshotPlace(SimulatedDisk()) }, losesPower = true)

class ShortTransfersSnapshotsSpec :
    SnapshotStoreContract(
        { SimulatedSnapshotPlace(SimulatedDisk(1).apply { shortTransfers = true }) },
        losesPower = true,
    )

class KeepsOpenFilesSnapshotsSpec :
    SnapshotStoreContract({ SimulatedSnapshotPlace(SimulatedDisk().apply { keepsOpenFiles = true }) })

private class SimulatedPlace(private val disk: SimulatedDisk, private val recycling: Int = 0) : Medium {
    private val foreign = SimulatedDisk.DIRECTORY.resolve("0000.wal")

    override fun store() = disk.store(recycling = recycling)

    override fun afterPowerLoss(seed: Long) = SimulatedPlace(disk.image(seed), recycling)

    override fun addForeignThings() = disk.put(foreign, "foreign".toByteArray())

    override fun hasForeignThings() = disk.bytes(foreign).decodeToString() == "foreign"
}

private class SimulatedSnapshotPlace(private val disk: SimulatedDisk) : SnapshotMedium {
    private val foreign = SimulatedDisk.SNAPSHOTS.resolve("0000.snapshot")
    private val halfWritten = SimulatedDisk.SNAPSHOTS.resolve("00000000000000000001.snapshot.tmp")

    override fun store() = disk.snapshots()

    override fun afterPowerLoss(seed: Long) = SimulatedSnapshotPlace(disk.image(seed))

    override fun addForeignThings() = listOf(foreign, halfWritten).forEach { disk.put(it, "foreign".toByteArray()) }

    override fun hasForeignThings() = disk.bytes(foreign).decodeToString() == "foreign" &&
        "${halfWritten.fileName}" !in disk.names(SimulatedDisk.SNAPSHOTS)
}
