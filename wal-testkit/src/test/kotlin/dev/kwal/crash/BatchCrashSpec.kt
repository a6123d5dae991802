package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.testkit.CrashExplorer
import dev.kwal.testkit.CrashPoint
import dev.kwal.testkit.CrashScenario
import dev.kwal.testkit.SimulatedDisk
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import java.nio.ByteBuffer

private const val RECORD_BYTES = 700
private const val BATCH_COUNT = 12

/** A batch takes two buffers and eight segments. */
private val OPTIONS = WalOptions.DEFAULT.withSegmentBytes(1024).withBufferBytes(4096)

/** That a batch which fits in no buffer and no segment comes back whole or not at all. */
class BatchCrashSpec :
    StringSpec({
        "a batch larger than buffer and segment is there whole or not at all, whenever the power goes" {
            for (shortTransfers in listOf(false, true)) {
                val report = CrashExplorer { LargeBatches(shortTransfers) }.withImages(4).explore()
                println("large batches: $report")
                report.calls shouldBeGreaterThan 20
            }
        }
    })

/** Batches between single records, some of them synced by what comes behind them only. */
private class LargeBatches(private val shortTransfers: Boolean) : CrashScenario {
    private var durableLsn = 0L

    override fun run(disk: SimulatedDisk) {
        disk.shortTransfers = shortTransfers
        Wal.open(disk.store(), OPTIONS).use { wal ->
            wal.append(record(1), Durability.BUFFERED)
            wal.appendBatch(batchFrom(2), Durability.WRITTEN)
            durableLsn = wal.sync()
            wal.append(record(wal.lastLsn() + 1), Durability.WRITTEN)
            wal.appendBatch(batchFrom(wal.lastLsn() + 1), Durability.SYNCED)
            durableLsn = wal.durableLsn()
            wal.appendBatchIf(wal.lastLsn() + 1, batchFrom(wal.lastLsn() + 1), Durability.BUFFERED)
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) {
        Wal.open(survivors.store(), OPTIONS).use { wal ->
            wal.lastLsn() shouldBeGreaterThanOrEqual durableLsn
            wal.lastLsn() shouldBeIn ENDS
            wal.replay(0).use { cursor ->
                val found = buildList { while (cursor.next()) add(cursor.view().getLong()) }
                found shouldBe (1..wal.lastLsn()).toList()
            }
        }
    }

    private fun batchFrom(lsn: Long) = List(BATCH_COUNT) { record(lsn + it) }

    private fun record(lsn: Long): ByteBuffer = ByteBuffer.allocate(RECORD_BYTES).putLong(0, lsn)

    private companion object {
        /** Before and behind each batch. */
        val ENDS = listOf(0L, 1L, 13L, 14L, 26L, 38L)
    }
}
