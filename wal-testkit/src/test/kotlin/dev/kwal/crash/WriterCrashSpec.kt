package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalFencedException
import dev.kwal.WalOptions
import dev.kwal.WalWriter
import dev.kwal.testkit.CrashExplorer
import dev.kwal.testkit.CrashPoint
import dev.kwal.testkit.CrashScenario
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.nio.ByteBuffer

private val OPTIONS = WalOptions.DEFAULT.withSegmentBytes(1024).withBufferBytes(16 * 1024)

/** That no crash and no failing call gives an epoch twice, or lets an older writer in. */
class WriterCrashSpec :
    StringSpec({
        "after any crash the next writer is newer than every one before it" {
            val report = CrashExplorer { Reigns() }.withImages(2).explore()
            println("writers: $report")
            report.calls shouldBeGreaterThan 30
        }

        "a call that fails gives no epoch twice" {
            val calls = SimulatedDisk().also { Reigns().run(it) }.count(DiskCall.ALL)
            for (call in 1..calls) {
                val disk = SimulatedDisk()
                val reigns = Reigns()
                disk.fail(call)
                withClue("call $call fails") {
                    runCatching { reigns.run(disk) }.onFailure { (it is IOException) shouldBe true }
                    disk.heal()
                    reigns.checkNext(disk)
                }
            }
        }
    })

/** Writers who follow each other, in one opening of the log and in the next; each writes a record with its epoch. */
private class Reigns : CrashScenario {
    /** Of the newest writer that was handed out. */
    private var newest = 0L

    override fun run(disk: SimulatedDisk) {
        repeat(2) {
            Wal.open(disk.store(), OPTIONS).use { wal ->
                var older: WalWriter? = null
                repeat(3) {
                    val writer = wal.beginWriting()
                    writer.epoch() shouldBeGreaterThan newest
                    newest = writer.epoch()
                    older?.let { shouldThrow<WalFencedException> { it.append(record(it.epoch())) } }
                    writer.append(record(newest), Durability.SYNCED)
                    older = writer
                }
            }
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) = checkNext(survivors)

    fun checkNext(disk: SimulatedDisk) {
        Wal.open(disk.store(), OPTIONS).use { wal ->
            val epochs = wal.replay(0).use { cursor ->
                buildList { while (cursor.next()) add(cursor.view().getLong()) }
            }
            epochs shouldBe epochs.sorted()
            val next = wal.beginWriting().epoch()
            next shouldBeGreaterThan newest
            epochs.forEach { next shouldBeGreaterThan it }
        }
    }

    private fun record(epoch: Long) = ByteBuffer.allocate(400).putLong(0, epoch)
}
