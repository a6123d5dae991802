package dev.kwal.crash

import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.testkit.CrashExplorer
import dev.kwal.testkit.CrashPoint
import dev.kwal.testkit.CrashScenario
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.longs.shouldBeInRange
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.nio.file.Path
import java.time.Duration

private val OPTIONS = WalOptions.DEFAULT.withSegmentBytes(1024).withBufferBytes(16 * 1024)
    .withFlushInterval(Duration.ofHours(1))
private val PLACE = Path.of("/backups").toAbsolutePath()
private val COPY = PLACE.resolve("copy")

/** That a backup is there whole or not at all, whenever the power goes, and that nothing done later reaches into it. */
class BackupCrashSpec :
    StringSpec({
        "after any crash a backup is whole or has not its name, and the log has what was acknowledged" {
            for ((recycling, links) in listOf(0 to true, 2 to true, 0 to false)) {
                val report = CrashExplorer { BackedUpLife(recycling, links) }.withImages(2).explore()
                println("recycling $recycling, links $links: $report")
                report.calls shouldBeGreaterThan 80
            }
        }

        "a call that fails during a backup leaves no half of it, and the next backup works" {
            val calls = SimulatedDisk().let { disk ->
                BackedUpLife(2).open(disk).use { log ->
                    repeat(5) { log.append(record(it + 1L)) }
                    val before = disk.count(DiskCall.ALL)
                    log.backup(disk.store(COPY))
                    disk.count(DiskCall.ALL) - before
                }
            }
            calls shouldBeGreaterThan 40
            for (call in 1..calls) {
                val disk = SimulatedDisk()
                withClue("call $call fails") {
                    BackedUpLife(2).open(disk).use { log ->
                        repeat(5) { log.append(record(it + 1L)) }
                        disk.fail(call)
                        val backup = runCatching { log.backup(disk.store(COPY)) }
                        backup.onFailure { (it is IOException) shouldBe true }
                        disk.heal()
                        val names = disk.names(PLACE)
                        if (backup.isSuccess) names shouldBe listOf("copy")
                        if ("copy" in names) disk.backedUp() shouldBe 1L..5L
                        log.append(record(6))
                        // The segment being written, and the next one.
                        disk.openFiles shouldBeLessThanOrEqual 2
                        log.backup(disk.store(PLACE.resolve("again"))).lastLsn() shouldBe 6
                    }
                }
            }
        }
    })

private fun record(lsn: Long): ByteArray = "$lsn ".padEnd(380, '.').toByteArray()

/** The records of the copy, each of which says its LSN. */
private fun SimulatedDisk.backedUp(): LongRange = Wal.open(store(COPY), OPTIONS).use { it.checkedRecords() }

private fun Wal.checkedRecords(): LongRange {
    replay(0).use { cursor ->
        while (cursor.next()) String(cursor.record().toByteArray()) shouldBe String(record(cursor.lsn()))
    }
    return firstLsn()..lastLsn()
}

/** Appends, backs up, and goes on until all segments that were backed up are dropped and their space may be used again. */
private class BackedUpLife(private val recycling: Int, private val links: Boolean = true) : CrashScenario {
    private var acknowledged = 0L
    private var firstInBackup = 0L
    private var isBackedUp = false

    override fun run(disk: SimulatedDisk) {
        // Such a system has no hard links.
        disk.keepsOpenFiles = !links
        open(disk).use { log ->
            append(log, 7)
            log.checkpoint(2)
            firstInBackup = acknowledged
            val backup = log.backup(disk.store(COPY))
            isBackedUp = true
            backup.linkedSegments() shouldBe if (links) 2 else 0
            backup.firstLsn() shouldBe 3
            append(log, 2)
            log.checkpoint(8)
            append(log, 5)
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) {
        val names = survivors.names(PLACE)
        if (isBackedUp) names shouldBe listOf("copy")
        (names - "copy" - "copy.partial").shouldBeEmpty()
        if ("copy" in names) survivors.backedUp() shouldBe 3L..firstInBackup
        open(survivors).use { it.checkedRecords().last shouldBeInRange acknowledged..acknowledged + 1 }
        if ("copy" in names) survivors.backedUp() shouldBe 3L..firstInBackup
    }

    fun open(disk: SimulatedDisk): Wal = Wal.open(disk.store(recycling = recycling), OPTIONS)

    private fun append(log: Wal, count: Int) = repeat(count) {
        log.appendAndSync(record(acknowledged + 1)) shouldBe acknowledged + 1
        acknowledged++
    }
}
