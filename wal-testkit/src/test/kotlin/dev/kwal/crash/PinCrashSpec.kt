package dev.kwal.crash

import dev.kwal.Retention
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.WalPin
import dev.kwal.testkit.CrashExplorer
import dev.kwal.testkit.CrashPoint
import dev.kwal.testkit.CrashScenario
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import java.io.IOException

private val OPTIONS = WalOptions.DEFAULT
    .withSegmentBytes(1024)
    .withBufferBytes(16 * 1024)
    .withRetention(Retention.UNLIMITED.withKeepBytes(2500))

/** That no crash and no failing call takes from a reader what its pin holds. */
class PinCrashSpec :
    StringSpec({
        "after any crash a pin holds what it was acknowledged to hold, and the records are there" {
            val report = CrashExplorer { PinnedLife() }.withImages(2).explore()
            println("pins: $report")
            report.calls shouldBeGreaterThan 100
        }

        "a call that fails takes nothing from a reader" {
            val calls = SimulatedDisk().also { PinnedLife().run(it) }.count(DiskCall.ALL)
            for (call in 1..calls) {
                val disk = SimulatedDisk()
                val life = PinnedLife()
                disk.fail(call)
                withClue("call $call fails") {
                    runCatching { life.run(disk) }.onFailure { (it is IOException) shouldBe true }
                    disk.heal()
                    life.checkPins(disk)
                }
            }
        }
    })

/**
 * A writer that drops all it can, by checkpoints and by retention, and gives up its last records now and then; and two
 * readers, of which one is slow.
 */
private class PinnedLife : CrashScenario {
    /** What each reader may find its pin at: where it was last acknowledged to be, and where a call wanted it to be. */
    private val fast = Place()
    private val slow = Place()
    private var lastSynced = 0L

    override fun run(disk: SimulatedDisk) {
        Wal.open(disk.store(), OPTIONS).use { wal ->
            val pins = mapOf(fast to fast.move(0) { wal.pin("fast", WalPin.Overflow.DROP) })
            for (round in 1..5) {
                repeat(3) {
                    wal.appendAndSync(ByteArray(380))
                    lastSynced = wal.lastLsn()
                }
                if (round == 2) slow.move(wal.firstLsn() - 1) { wal.pin("slow") }
                fast.move(wal.lastLsn() - 1) { checkNotNull(pins[fast]).advance(wal.lastLsn() - 1) }
                wal.checkpoint(wal.lastLsn())
                if (round == 3) truncate(wal)
                if (round > 2) slow.move(slow.least + 2) { wal.pin("slow").advance(slow.least + 2) }
            }
        }
    }

    private fun truncate(wal: Wal) {
        val cut = wal.lastLsn() - 3
        lastSynced = cut
        val places = listOf(fast, slow)
        places.forEach { it.least = minOf(it.least, cut) }
        wal.truncateAfter(cut)
        places.forEach { it.most = it.least }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) = checkPins(survivors)

    fun checkPins(disk: SimulatedDisk) {
        Wal.open(disk.store(), OPTIONS).use { wal ->
            for ((name, place) in listOf("fast" to fast, "slow" to slow)) {
                val pin = wal.pins().firstOrNull { it.name() == name }
                withClue("$name, acknowledged at ${place.least}, found ${pin?.lsn()}, log from ${wal.firstLsn()}") {
                    if (place.isAcknowledged) checkNotNull(pin)
                    if (pin != null) held(wal, pin, place)
                }
            }
            wal.checkpoint(wal.lastLsn())
            wal.pins().forEach { wal.firstLsn() shouldBeLessThanOrEqual it.lsn() + 1 }
        }
    }

    private fun held(wal: Wal, pin: WalPin, place: Place) {
        listOf(place.least, place.most).let { (it.min()..it.max()).toList() } shouldContain pin.lsn()
        wal.firstLsn() shouldBeLessThanOrEqual pin.lsn() + 1
        var lsn = pin.lsn()
        wal.replay(lsn + 1).use { reader ->
            while (lsn < lastSynced) {
                reader.next() shouldBe true
                reader.lsn() shouldBe ++lsn
            }
        }
    }

    private class Place {
        var isAcknowledged = false
        var least = 0L
        var most = 0L

        fun <T> move(lsn: Long, how: () -> T): T {
            most = lsn
            return how().also {
                isAcknowledged = true
                least = lsn
            }
        }
    }
}
