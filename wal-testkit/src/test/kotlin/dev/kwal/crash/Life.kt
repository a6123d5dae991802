package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.openWithBackground
import dev.kwal.testkit.CallWatcher
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import dev.kwal.testkit.Strictness
import java.util.Random

/**
 * A log's life by a random script, on one thread, crashed before each operation of its disk that changes something.
 *
 * Always: the same seed gives the same life.
 */
internal class Life(private val seed: Long, private val recovery: Recovery) {
    private val random = Random(seed)
    private val shape = Shape.of(random)
    private val oracle = Oracle()
    private var disk = shape.disk(seed)
    private val caller = Caller(oracle, random, shape, foreignBytes = ::logBytes)
    private var background = HandExecutor()
    private var step = "opening"
    private var steps = 0
    private var lastCall: DiskCall? = null
    private var broken: Throwable? = null

    fun run() {
        watch(disk)
        var wal = open()
        repeat(2 + random.nextInt(4)) {
            repeat(5 + random.nextInt(25)) { take(wal) }
            wal = endAndReopen(wal)
        }
        disk.beforeCall = null
        wal.close()
    }

    private fun take(wal: Wal) {
        steps++
        step = "step $steps"
        step += ": " + when (random.nextInt(40)) {
            in 0..24 -> caller.append(wal)
            in 25..27 -> caller.sync(wal)
            in 28..33 -> "background".also { background.runQueued() }
            in 34..35 -> caller.rotate(wal)
            in 36..37 -> caller.checkpoint(wal, between(wal.firstLsn() - 1, wal.lastLsn()))
            38 -> truncate(wal)
            else -> "look".also { caller.look(wal) }
        }
        broken?.let { throw it }
    }

    private fun truncate(wal: Wal): String {
        val lsn = between(wal.firstLsn() - 1, wal.lastLsn())
        return if (lsn == wal.lastLsn()) "nothing" else caller.truncateAfter(wal, lsn)
    }

    private fun between(low: Long, high: Long): Long = low + random.nextInt((high - low + 1).toInt())

    private fun endAndReopen(wal: Wal): Wal {
        steps++
        when (random.nextInt(3)) {
            0 -> {
                step = "step $steps: close and reopen"
                wal.close()
                oracle.acknowledged(wal.lastLsn(), Durability.SYNCED, oracle.stamp())
            }

            1 -> {
                step = "step $steps: reopen after a kill"
                oracle.crashed(Loss.PROCESS)
                goOnWith(disk.killImage())
            }

            else -> {
                step = "step $steps: reopen after a loss of power"
                oracle.crashed(Loss.POWER)
                goOnWith(disk.image(mixed(seed, steps.toLong())))
            }
        }
        return open()
    }

    private fun goOnWith(next: SimulatedDisk) {
        disk.beforeCall = null
        disk = next
        disk.shortTransfers = shape.shortTransfers
        watch(disk)
    }

    private fun open(): Wal {
        background = HandExecutor()
        val wal = openWithBackground(shape.store(disk), shape.options(), background)
        broken?.let { throw it }
        reopened(wal)
        return wal
    }

    private fun reopened(wal: Wal) {
        val watched = disk.beforeCall
        disk.beforeCall = null
        val found = Recovery.everythingIn(wal)
        disk.beforeCall = watched
        val (expectation, _) = oracle.capture { }
        oracle.reopened(found, expectation.check(found, Loss.PROCESS))
        caller.reopened(found.lastLsn)
    }

    /** Crashes are looked at where they happen; the script hears of it at the end of the step. */
    private fun watch(disk: SimulatedDisk) {
        lastCall = null
        disk.beforeCall = CallWatcher { call, _, index ->
            if (call in DiskCall.MUTATIONS) {
                try {
                    if (broken == null) crash(disk, call, index)
                } catch (e: Throwable) {
                    broken = e
                }
                lastCall = call
            }
        }
    }

    private fun crash(disk: SimulatedDisk, call: DiskCall, index: Int) {
        for (image in 0 until IMAGES) {
            val choice = mixed(mixed(seed, steps * 10_000L + index), image.toLong())
            val strictness = if (image == 0) Strictness.LOOSE_POSIX else Strictness.ORDERED_METADATA
            val where = "before call $index ($call), image $choice $strictness"
            crash(disk.image(choice, strictness), Loss.POWER, where, choice)
        }
        // After a flush programs see what they saw before.
        if (lastCall != DiskCall.SYNC && lastCall != DiskCall.SYNC_DIRECTORY) {
            crash(disk.killImage(), Loss.PROCESS, "before call $index ($call)", mixed(seed, index.toLong()))
        }
    }

    private fun crash(image: SimulatedDisk, survivors: Loss, where: String, choice: Long) {
        val (expectation, _) = oracle.capture { }
        val place = "seed $seed, $step, $survivors lost $where, $shape"
        recovery.check(CrashState(image, shape, survivors, expectation, place, choice))
    }

    /** Some bytes of the newest segment, for records that look like frames. */
    private fun logBytes(): ByteArray? {
        val name = disk.names().lastOrNull { it.endsWith(".wal") } ?: return null
        val bytes = disk.bytes(SimulatedDisk.DIRECTORY.resolve(name))
        val from = random.nextInt(1 + minOf(bytes.size, 2048) / 8) * 8
        return bytes.copyOfRange(from, minOf(bytes.size, from + random.nextInt(400)))
    }

    private companion object {
        const val IMAGES = 2
    }
}
