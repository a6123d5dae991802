package dev.kwal

import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.collections.shouldHaveAtLeastSize
import io.kotest.matchers.comparables.shouldBeGreaterThanOrEqualTo
import io.kotest.matchers.shouldBe

/** What a loss of power leaves of a log on a disk: for each level, what it promises. */
class PowerLossSpec :
    StringSpec({
        /** Opens what many losses of power at this moment leave. */
        fun SimulatedDisk.afterPowerLoss(check: (LogFixture) -> Unit) {
            for (seed in 0L until 40L) {
                withClue("power loss with seed $seed") { check(LogFixture(image(seed).store())) }
            }
        }

        "what was synced survives, with the names of its segments" {
            val disk = SimulatedDisk()
            LogFixture(disk.store()).writeLarge(7).sync()
            disk.afterPowerLoss { it.records() shouldBe (1L..7L).map(::largeRecord) }
        }

        "what was synced by a rotation survives" {
            val disk = SimulatedDisk()
            LogFixture(disk.store()).write("a", "b").rotate()
            disk.afterPowerLoss { it.records() shouldBe listOf("a", "b") }
        }

        "of what was only written a prefix survives, and all of it survives the process" {
            val disk = SimulatedDisk()
            LogFixture(disk.store()).writeLarge(1).sync().writeLarge(4)
            disk.afterPowerLoss { log ->
                val records = log.records()
                records shouldHaveAtLeastSize 1
                records shouldBe (1..records.size.toLong()).map(::largeRecord)
            }
            LogFixture(disk.killImage().store()).records() shouldBe (1L..5L).map(::largeRecord)
        }

        "a batch survives whole or not at all" {
            val disk = SimulatedDisk()
            val batch = (2L..6L).map(::largeRecord)
            LogFixture(disk.store()).writeLarge(1).sync().writeBatch(*batch.toTypedArray())
            disk.afterPowerLoss { it.records().drop(1) shouldBeIn listOf(emptyList(), batch) }
        }

        "a checkpoint survives its return, and no record behind it is lost" {
            val disk = SimulatedDisk()
            LogFixture(disk.store()).writeLarge(7).checkpoint(5)
            disk.afterPowerLoss { it.records() shouldBe (6L..7L).map(::largeRecord) }
        }

        "a truncation survives its return" {
            val disk = SimulatedDisk()
            LogFixture(disk.store()).writeLarge(7).sync().truncateAfter(4)
            disk.afterPowerLoss { log ->
                log.records() shouldBe (1L..4L).map(::largeRecord)
                log.wal.epoch() shouldBe 1
            }
        }

        "a close survives its return" {
            val disk = SimulatedDisk()
            LogFixture(disk.store()).writeLarge(3).close()
            disk.afterPowerLoss { log ->
                log.report.end() shouldBe RecoveryReport.End.CLEAN
                log.records().size shouldBe 3
            }
        }

        "what an open returned survives, whatever was synced before" {
            val disk = SimulatedDisk()
            LogFixture(disk.store()).writeLarge(1).sync().writeLarge(3)
            val survivor = disk.killImage()
            LogFixture(survivor.store()).records().size shouldBe 4
            survivor.afterPowerLoss { it.records() shouldBe (1L..4L).map(::largeRecord) }
        }

        "after a failed sync what an open in the same boot returned survives a loss of power" {
            val disk = SimulatedDisk(11)
            val log = LogFixture(disk.store()).writeLarge(2).sync().write("in doubt")
            disk.fail(1, setOf(DiskCall.SYNC))
            shouldThrow<WalFailedException> { log.sync() }
            disk.heal()
            val back = log.reopen().records()
            back.size shouldBeGreaterThanOrEqualTo 2
            disk.afterPowerLoss { it.records() shouldBe back }
        }

        "what is appended behind a close survives when it was synced" {
            val disk = SimulatedDisk()
            val log = LogFixture(disk.store()).write("a").close().reopen().write("b").sync()
            disk.afterPowerLoss { it.records() shouldBe listOf("a", "b") }
            log.write("c")
            disk.afterPowerLoss { it.records().take(2) shouldBe listOf("a", "b") }
        }

        "a new log survives its first sync, directory and all" {
            val disk = SimulatedDisk()
            LogFixture(disk.store()).write("a").sync()
            disk.afterPowerLoss { it.records() shouldBe listOf("a") }
        }

        "a recovery that loses its power can be done again" {
            val disk = SimulatedDisk()
            LogFixture(disk.store()).writeLarge(1).sync().writeLarge(3)
            val calls = disk.killImage().run { LogFixture(store()).let { count(DiskCall.MUTATIONS) } }
            for (at in 1..calls) {
                val again = disk.killImage()
                again.crash(at)
                runCatching { LogFixture(again.store()) }
                val after = LogFixture(again.image(at.toLong()).store())
                withClue("power lost at call $at of $calls") {
                    after.records() shouldBe (1..after.records().size.toLong()).map(::largeRecord)
                    after.records() shouldHaveAtLeastSize 1
                }
            }
        }

        "a recycled segment that is torn shows nothing of its earlier use" {
            val disk = SimulatedDisk(3)
            val log = LogFixture(disk.store(recycling = 2))
            repeat(10) { log.writeLarge(4).sync().checkpoint(log.wal.lastLsn() - 1) }
            val last = log.wal.lastLsn()
            log.writeLarge(1)
            for (seed in 0L until 50L) {
                val after = LogFixture(disk.image(seed).store(recycling = 2)).records()
                after shouldBe (last until last + after.size).map(::largeRecord)
            }
        }
    })
