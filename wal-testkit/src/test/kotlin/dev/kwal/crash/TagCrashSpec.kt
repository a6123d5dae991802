package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.testkit.CrashExplorer
import dev.kwal.testkit.CrashPoint
import dev.kwal.testkit.CrashScenario
import dev.kwal.testkit.SimulatedDisk
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeMonotonicallyIncreasing
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import java.nio.ByteBuffer
import java.time.Instant

/** That tags and timestamps are those of their records, and in order, whatever a crash leaves and recovery copies. */
class TagCrashSpec :
    StringSpec({
        "records keep their tags, and timestamps never go back, whenever the power goes" {
            for (shortTransfers in listOf(false, true)) {
                val report = CrashExplorer { TaggedLives(shortTransfers) }.withImages(4).explore()
                println("tagged lives: $report")
                report.calls shouldBeGreaterThan 50
            }
        }
    })

/** Lives of a log whose clock shows less from life to life. The tag of a record is its LSN. */
private class TaggedLives(private val shortTransfers: Boolean) : CrashScenario {
    private var durableLsn = 0L

    override fun run(disk: SimulatedDisk) {
        disk.shortTransfers = shortTransfers
        for (life in 1..3) {
            Wal.open(disk.store(), options(clock = 10_000L / life)).use { wal ->
                repeat(3) { append(wal, Durability.BUFFERED) }
                durableLsn = wal.sync()
                appendBatch(wal)
                if (life == 2) wal.rotate()
                append(wal, Durability.WRITTEN)
                if (life > 1) wal.checkpoint(2L * life)
                if (life == 2) {
                    durableLsn = wal.lastLsn() - 1
                    wal.truncateAfter(durableLsn)
                }
                append(wal, Durability.SYNCED)
                durableLsn = wal.durableLsn()
                append(wal, Durability.BUFFERED)
            }
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) {
        Wal.open(survivors.store(), options(clock = 1)).use { wal ->
            wal.lastLsn() shouldBeGreaterThanOrEqual durableLsn
            append(wal, Durability.BUFFERED)
            val times = ArrayList<Long>()
            wal.replay(0).use { cursor ->
                while (cursor.next()) {
                    listOf(cursor.tag().toLong(), cursor.view().getLong()) shouldBe List(2) { cursor.lsn() }
                    times += cursor.timestampMillis()
                }
            }
            times.first() shouldBeGreaterThanOrEqual 1
            times.shouldBeMonotonicallyIncreasing()
        }
    }

    private fun append(wal: Wal, level: Durability) {
        val lsn = wal.lastLsn() + 1
        wal.tagged(lsn.toInt()).append(record(lsn), level) shouldBe lsn
    }

    private fun appendBatch(wal: Wal) {
        val lsns = List(3) { wal.lastLsn() + 1 + it }
        val tags = lsns.map { it.toInt() }.toIntArray()
        wal.tagged(1).appendBatch(lsns.map(::record), tags, Durability.BUFFERED) shouldBe lsns.last()
    }

    private fun record(lsn: Long): ByteBuffer = ByteBuffer.allocate(200).putLong(0, lsn)

    private fun options(clock: Long): WalOptions =
        WalOptions.DEFAULT.withSegmentBytes(1024).withBufferBytes(4096).withClock { Instant.ofEpochMilli(clock) }
}
