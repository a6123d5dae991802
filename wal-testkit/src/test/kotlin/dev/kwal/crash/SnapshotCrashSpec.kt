package dev.kwal.crash

import dev.kwal.SnapshotRecovery
import dev.kwal.Snapshots
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.storage.SnapshotStore
import dev.kwal.testkit.CrashExplorer
import dev.kwal.testkit.CrashPoint
import dev.kwal.testkit.CrashScenario
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.collections.shouldBeSorted
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.io.OutputStream

private val OPTIONS = WalOptions.DEFAULT.withSegmentBytes(1024).withBufferBytes(16 * 1024)
private const val RECORDS = 14L

/** That no crash and no failing call in publishing loses or invents a record. */
class SnapshotCrashSpec :
    StringSpec({
        "what was acknowledged is recovered from snapshots and log after any crash" {
            for (keep in 1..2) {
                val report = CrashExplorer { PublishingLife(keep) }.withImages(2).explore()
                println("$keep kept: $report")
                report.calls shouldBeGreaterThan 100
            }
        }

        "a call that fails while publishing deletes nothing that is needed, and publishing again works" {
            val calls = SimulatedDisk().let { disk ->
                val life = PublishingLife(1)
                life.open(disk).use { wal ->
                    life.publishOnce(wal, disk)
                    val before = disk.count(DiskCall.ALL)
                    life.publish(wal, disk)
                    disk.count(DiskCall.ALL) - before
                }
            }
            calls shouldBeGreaterThan 20
            for (call in 1..calls) {
                val disk = SimulatedDisk()
                val life = PublishingLife(1)
                withClue("call $call fails") {
                    life.open(disk).use { wal ->
                        life.publishOnce(wal, disk)
                        disk.fail(call)
                        runCatching { life.publish(wal, disk) }.onFailure { (it is IOException) shouldBe true }
                        disk.heal()
                        runCatching { wal.close() }
                    }
                    life.open(disk).use { wal ->
                        life.recover(wal, disk).state shouldBe life.acknowledged
                        life.publish(wal, disk)
                        life.recover(wal, disk).records shouldBe 0
                    }
                    disk.names(SimulatedDisk.SNAPSHOTS).size shouldBe 1
                }
            }
        }

        "a gigabyte of snapshot takes constant memory" {
            val blocks = 1024
            val store = CountingSnapshots()
            Wal.open(SimulatedDisk().store(), OPTIONS).use { wal ->
                wal.appendAndSync("one".toByteArray())
                val block = ByteArray(1 shl 20)
                Snapshots.of(wal, store).publish(1) { target -> repeat(blocks) { target.write(block) } }
                store.bytes shouldBe blocks.toLong() * block.size + 60
                store.longestWrite shouldBe block.size
            }
        }
    })

/** Appends records that say their number, and publishes every third. The state is the list of the numbers. */
private class PublishingLife(private val keep: Int) : CrashScenario {
    var acknowledged = listOf<Long>()

    override fun run(disk: SimulatedDisk) {
        open(disk).use { wal ->
            for (number in 1..RECORDS) {
                append(wal, 1)
                if (number % 3 == 0L) publish(wal, disk)
            }
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) {
        open(survivors).use { wal ->
            val recovered = recover(wal, survivors)
            recovered.state shouldBeIn listOf(acknowledged, acknowledged + (acknowledged.size + 1L))
            recovered.state.shouldBeSorted()
            recovered.passedOver shouldBe emptyList()
            publishAt(wal, survivors, recovered.lsn, recovered.state)
            recover(wal, survivors).state shouldBe recovered.state
            survivors.names(SimulatedDisk.SNAPSHOTS).none { it.endsWith(".tmp") } shouldBe true
        }
    }

    fun open(disk: SimulatedDisk): Wal = Snapshots.openLog(disk.store(), OPTIONS, disk.snapshots())

    fun append(wal: Wal, count: Int) = repeat(count) {
        val number = acknowledged.size + 1L
        wal.appendAndSync("$number".padEnd(380).toByteArray()) shouldBe number
        acknowledged = acknowledged + number
    }

    /** Leaves a snapshot, and records for the next. */
    fun publishOnce(wal: Wal, disk: SimulatedDisk) {
        append(wal, 3)
        publish(wal, disk)
        append(wal, 3)
    }

    fun publish(wal: Wal, disk: SimulatedDisk) = publishAt(wal, disk, acknowledged.size.toLong(), acknowledged)

    private fun publishAt(wal: Wal, disk: SimulatedDisk, lsn: Long, state: List<Long>) =
        Snapshots.of(wal, disk.snapshots(), keep).publish(lsn) { target ->
            target.write(state.joinToString(",").toByteArray())
            target.write(ByteArray(2_000) { ' '.code.toByte() })
        }

    fun recover(wal: Wal, disk: SimulatedDisk): SnapshotRecovery.Recovered<List<Long>> =
        SnapshotRecovery.of(wal, disk.snapshots()).run(
            { emptyList() },
            { content ->
                content.readBytes().decodeToString().trim().split(',').filter { it.isNotEmpty() }.map(String::toLong)
            },
            { state, _, record -> state + Charsets.UTF_8.decode(record).trim().toString().toLong() },
        )
}

/** Counts what it is given and keeps none of it. */
private class CountingSnapshots : SnapshotStore {
    var bytes = 0L
    var longestWrite = 0

    override fun snapshots() = LongArray(0)

    override fun create(sequence: Long, content: SnapshotStore.Content) = content.writeTo(
        object : OutputStream() {
            override fun write(octet: Int) = error("a single byte")

            override fun write(source: ByteArray, offset: Int, length: Int) {
                bytes += length
                longestWrite = maxOf(longestWrite, length)
            }
        },
    )

    override fun open(sequence: Long) = error("not kept")

    override fun delete(sequence: Long) = error("not kept")
}
