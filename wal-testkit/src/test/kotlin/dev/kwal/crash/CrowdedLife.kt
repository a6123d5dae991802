package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.testkit.CallWatcher
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import java.util.Random
import java.util.concurrent.atomic.AtomicReference
import java.util.concurrent.locks.ReentrantReadWriteLock
import kotlin.concurrent.read
import kotlin.concurrent.thread
import kotlin.concurrent.write

/**
 * A log's life with several callers, a checkpointer and background threads, crashed before each operation of its disk that
 * changes something.
 *
 * The seed gives the same scripts and the same losses, but the threads meet as they like.
 */
internal class CrowdedLife(private val seed: Long, private val recovery: Recovery) {
    private val random = Random(seed)
    private val shape = Shape.of(random)
    private val oracle = Oracle()
    private var disk = shape.disk(seed)
    private val callers =
        List(2 + random.nextInt(3)) { Caller(oracle, Random(mixed(seed, it.toLong())), shape, it + 1) }
    private val states = ArrayList<CrashState>()
    private val thrown = AtomicReference<Throwable?>()

    /** A truncation gives up what others append meanwhile, so nobody does. */
    private val truncation = ReentrantReadWriteLock()

    fun run() {
        repeat(1 + random.nextInt(3)) { era ->
            watch(disk, era)
            val wal = Wal.open(HesitatingStore(shape.store(disk), seed), shape.options())
            reopened(wal)
            val threads = callers.map { thread { use(it, wal) } } + thread { lookAfter(wal, mixed(seed, 1000L + era)) }
            threads.forEach(Thread::join)
            end(wal)
            thrown.get()?.let { throw BrokenPromise("seed $seed, era $era: $it", it) }
        }
        states.forEach(recovery::check)
    }

    private fun use(caller: Caller, wal: Wal) = guarded {
        repeat(10 + caller.random.nextInt(20)) {
            truncation.read {
                when (caller.random.nextInt(8)) {
                    0, 1 -> caller.sync(wal)
                    2 -> caller.look(wal)
                    else -> caller.append(wal)
                }
            }
        }
    }

    private fun lookAfter(wal: Wal, itsSeed: Long) = guarded {
        val keeper = callers.first()
        val choices = Random(itsSeed)
        repeat(3 + choices.nextInt(5)) {
            val lsn = callers[choices.nextInt(callers.size)].lastLsn
            when (choices.nextInt(5)) {
                0 -> truncation.read { keeper.rotate(wal) }

                1 -> truncation.write {
                    val cut = maxOf(minOf(lsn, wal.lastLsn() - 1), wal.firstLsn() - 1)
                    if (cut < wal.lastLsn()) {
                        keeper.truncateAfter(wal, cut)
                        callers.forEach { it.truncated(cut) }
                    }
                }

                2, 3 -> truncation.read { keeper.checkpoint(wal, minOf(lsn, wal.lastLsn())) }

                else -> Thread.yield()
            }
        }
    }

    private fun guarded(work: () -> Unit) {
        try {
            work()
        } catch (e: Throwable) {
            thrown.compareAndSet(null, e)
        }
    }

    private fun end(wal: Wal) {
        val survivors = Loss.entries[random.nextInt(2)]
        if (random.nextBoolean()) {
            wal.close()
            oracle.acknowledged(wal.lastLsn(), Durability.SYNCED, oracle.stamp())
        }
        oracle.crashed(survivors)
        val next = if (survivors == Loss.PROCESS) disk.killImage() else disk.image(random.nextLong())
        disk.beforeCall = null
        wal.close()
        disk = next
        disk.shortTransfers = shape.shortTransfers
    }

    private fun reopened(wal: Wal) {
        val found = Recovery.everythingIn(wal)
        val (expectation, _) = oracle.capture { }
        oracle.reopened(found, expectation.check(found, Loss.PROCESS))
        callers.forEach { it.reopened(found.lastLsn) }
    }

    /** What the oracle knows and what the disk holds are taken together. They are compared when all is over. */
    private fun watch(disk: SimulatedDisk, era: Int) {
        disk.beforeCall = CallWatcher { call, _, index ->
            if (call in DiskCall.MUTATIONS) {
                val choice = mixed(mixed(seed, era * 100_000L + index), 0)
                val survivors = if (choice and 0x3000L == 0L) Loss.PROCESS else Loss.POWER
                val (expectation, image) = oracle.capture {
                    if (survivors == Loss.PROCESS) disk.killImage() else disk.image(choice)
                }
                val where = "seed $seed, era $era, $survivors lost before call $index ($call), image $choice, $shape"
                states.add(CrashState(image, shape, survivors, expectation, where, choice))
            }
        }
    }
}
