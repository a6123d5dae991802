package dev.kwal.crash

import dev.kwal.WalOptions
import dev.kwal.storage.WalStore
import dev.kwal.testkit.SimulatedDisk
import java.time.Duration
import java.util.Random

/** The options of one life: of the log, of its store and of its disk. */
internal data class Shape(
    val segmentBytes: Int,
    val flushRecords: Int,
    val flushBytes: Int,
    val preallocation: Boolean,
    val recycling: Int,
    val reserveBytes: Long,
    val shortTransfers: Boolean,
) {
    fun disk(seed: Long) = SimulatedDisk(seed).also { it.shortTransfers = shortTransfers }

    fun store(disk: SimulatedDisk): WalStore = disk.store(
        preallocation = preallocation,
        recycling = recycling,
        reserveBytes = reserveBytes,
    )

    fun options(): WalOptions = WalOptions.DEFAULT
        .withSegmentBytes(segmentBytes.toLong())
        .withMaxRecordBytes(8 * 1024)
        .withMaxBatchBytes(16 * 1024)
        .withBufferBytes(4 * 1024)
        .withFlushRecords(flushRecords)
        .withFlushBytes(flushBytes)
        .withFlushInterval(Duration.ofMillis(1))
        .withCompletionExecutor { it.run() }

    companion object {
        fun of(random: Random) = Shape(
            segmentBytes = 1024 + 512 * random.nextInt(7),
            flushRecords = 2 + random.nextInt(20),
            flushBytes = 256 + random.nextInt(4096),
            preallocation = random.nextBoolean(),
            recycling = if (random.nextBoolean()) 0 else 1 + random.nextInt(3),
            reserveBytes = if (random.nextInt(4) == 0) 4096 else 0,
            shortTransfers = random.nextInt(4) == 0,
        )
    }
}
