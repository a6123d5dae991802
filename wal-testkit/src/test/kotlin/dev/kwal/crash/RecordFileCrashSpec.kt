package dev.kwal.crash

import dev.kwal.RecordFile
import dev.kwal.RecoveryReport
import dev.kwal.WalException
import dev.kwal.WalFailedException
import dev.kwal.WalOptions
import dev.kwal.testkit.CrashExplorer
import dev.kwal.testkit.CrashPoint
import dev.kwal.testkit.CrashScenario
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import dev.kwal.testkit.Strictness
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeInRange
import io.kotest.matchers.shouldBe
import java.io.IOException

/** That a record file loses and invents nothing, whatever crash it meets and whatever call fails. */
class RecordFileCrashSpec :
    StringSpec({
        "what was acknowledged comes back after any crash" {
            val report = CrashExplorer { RecordFileLife() }.explore()
            println(report)
            report.calls shouldBeGreaterThan 25
        }

        "whichever call fails, what was acknowledged comes back, and the file tells no other story before" {
            val calls = SimulatedDisk().let { disk ->
                RecordFileLife().run(disk)
                disk.count(DiskCall.ALL)
            }
            calls shouldBeGreaterThan 50
            for (call in 1..calls) {
                for (seed in 0L..2) {
                    withClue("call $call fails, seed $seed") {
                        val disk = SimulatedDisk(seed)
                        val life = RecordFileLife()
                        disk.fail(call)
                        runCatching { life.run(disk) }.onFailure { (it is IOException) shouldBe true }
                        disk.heal()
                        disk.openFiles shouldBe 0
                        life.check(disk.image(seed), CrashPoint(seed, call, Strictness.LOOSE_POSIX))
                        life.check(disk, CrashPoint(seed, call, Strictness.PROCESS_KILL))
                    }
                }
            }
        }

        "after a failed flush nothing more is accepted, and the next open brings to the platter what it finds" {
            for (seed in 0L until 20) {
                val disk = SimulatedDisk(seed)
                val file = RecordFile.open(disk.recordFile(), WalOptions.DEFAULT)
                file.append(record(1))
                disk.fail(1, setOf(DiskCall.SYNC))
                shouldThrow<WalFailedException> { file.sync() }.durableLsn() shouldBe 0
                shouldThrow<WalFailedException> { file.sync() }
                shouldThrow<WalFailedException> { file.append(record(2)) }
                runCatching { file.close() }
                val again = RecordFile.open(disk.recordFile(), WalOptions.DEFAULT)
                again.durableLsn() shouldBe 1
                for (loss in 0L until 20) disk.image(loss).records() shouldBe 1L..1L
                again.close()
            }
        }

        "a file that is full of its disk fails, and comes back" {
            val disk = SimulatedDisk()
            disk.capacityBytes = 1000
            val file = RecordFile.open(disk.recordFile(), WalOptions.DEFAULT)
            file.appendAndSync(record(1)) shouldBe 1
            shouldThrow<WalFailedException> { repeat(3) { file.append(record(it + 2L)) } }
            shouldThrow<WalException> { file.close() }
            disk.capacityBytes = 2000
            disk.records() shouldBe 1L..2L
        }
    })

private fun record(lsn: Long): ByteArray = "$lsn ".padEnd(300, '.').toByteArray()

/** The LSNs of the records, each of which says its own. */
private fun RecordFile.checkedRecords(): LongRange {
    replay(0).use { cursor ->
        var count = 0L
        while (cursor.next()) {
            count++
            cursor.lsn() shouldBe count
            String(cursor.record().toByteArray()) shouldBe String(record(count))
        }
        count shouldBe lastLsn()
    }
    return 1L..lastLsn()
}

private fun SimulatedDisk.records(): LongRange =
    RecordFile.open(recordFile(), WalOptions.DEFAULT).use { it.checkedRecords() }

/** Appends and syncs in two sessions. */
private class RecordFileLife : CrashScenario {
    private var written = 0L
    private var begun = 0L
    private var synced = 0L

    override fun run(disk: SimulatedDisk) {
        repeat(2) {
            open(disk).use { work(it) }
            synced = written
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) {
        val acknowledged = if (crash.strictness == Strictness.PROCESS_KILL) written else synced
        val found = open(survivors).use { file ->
            val found = file.checkedRecords().last
            // A check that was stopped may have appended its record.
            found shouldBeInRange acknowledged..begun + minOf(crash.recoveryCall, 1)
            file.durableLsn() shouldBe found
            file.append(record(found + 1)) shouldBe found + 1
            found
        }
        open(survivors).use {
            it.recovery().end() shouldBe RecoveryReport.End.CLEAN
            it.checkedRecords().last shouldBe found + 1
        }
        survivors.names().filter { it != "records" } shouldBe emptyList()
    }

    private fun open(disk: SimulatedDisk) = RecordFile.open(disk.recordFile(), WalOptions.DEFAULT)

    private fun work(file: RecordFile) {
        append(file, 3)
        file.sync()
        synced = written
        append(file, 2)
    }

    private fun append(file: RecordFile, count: Int) = repeat(count) {
        begun = written + 1
        file.append(record(begun)) shouldBe begun
        written = begun
    }
}
