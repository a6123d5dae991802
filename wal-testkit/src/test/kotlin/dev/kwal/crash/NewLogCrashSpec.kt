package dev.kwal.crash

import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.WalSalvage
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe

/** A log that begins at an LSN of its own is there or not, whenever the power goes while it is made. */
class NewLogCrashSpec :
    StringSpec({
        "whenever the power goes while it is made, the log opens, at its first LSN or as none" {
            var at = 0
            do {
                at++
                val disk = SimulatedDisk()
                disk.crash(at)
                val made = runCatching {
                    WalSalvage.newLog(disk.store(preallocation = false), OPTIONS, FIRST_LSN)
                }.isSuccess
                for (seed in 0L until 40) {
                    withClue("call $at, seed $seed") {
                        val left = disk.image(seed).store()
                        Wal.open(left, OPTIONS).use { log ->
                            val hasBegun = log.firstLsn() == FIRST_LSN
                            (hasBegun || log.firstLsn() == 1L) shouldBe true
                            if (made) hasBegun shouldBe true
                            log.lastLsn() shouldBe log.firstLsn() - 1
                        }
                    }
                }
            } while (!made)
            at shouldBeGreaterThan 5
        }
    })

private const val FIRST_LSN = 1000L
private val OPTIONS = WalOptions.DEFAULT.withSegmentBytes(1024)
