package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalClosedException
import dev.kwal.WalGoneException
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.testkit.CallWatcher
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield
import java.util.Random

/**
 * A log's life with several coroutines, some of whose calls are cancelled, and with followers and a reader beside them,
 * crashed before each operation of its disk that changes something.
 *
 * The seed gives the same scripts and the same losses, but the coroutines meet as they like.
 */
internal class SuspendingLife(private val seed: Long, private val recovery: Recovery) {
    private val random = Random(seed)
    private val shape = Shape.of(random)
    private val oracle = Oracle()
    private var disk = shape.disk(seed)
    private val callers =
        List(3 + random.nextInt(4)) { SuspendingCaller(oracle, Random(mixed(seed, it.toLong())), shape, it + 1) }
    private val states = ArrayList<CrashState>()

    fun run() {
        repeat(1 + random.nextInt(3)) { era ->
            watch(disk, era)
            try {
                runBlocking(Dispatchers.Default) { live() }
            } catch (e: Throwable) {
                throw BrokenPromise("seed $seed, era $era, of coroutines: $e", e)
            }
        }
        states.forEach(recovery::check)
    }

    private suspend fun live() = coroutineScope {
        val log = SuspendingWal.open(HesitatingStore(shape.store(disk), seed), shape.options(), Dispatchers.IO)
        val stamp = reopened(log.asBlocking())
        val followers = listOf(Durability.SYNCED, Durability.WRITTEN).map { launch { follow(log, it, stamp) } }
        callers.map { launch { use(log, it) } }.joinAll()
        end(log)
        followers.joinAll()
    }

    private suspend fun use(log: SuspendingWal, caller: SuspendingCaller) = coroutineScope {
        val choices = Random(caller.random.nextLong())
        repeat(8 + choices.nextInt(12)) {
            val isCancelled = choices.nextInt(4) == 0
            val dispatcher = if (choices.nextInt(4) == 0) Dispatchers.Unconfined else Dispatchers.Default
            val call = launch(dispatcher) {
                if (choices.nextInt(12) == 0) readBeside() else caller.call(log)
            }
            if (isCancelled) {
                repeat(choices.nextInt(4)) { yield() }
                call.cancel()
            }
            call.join()
            if (choices.nextInt(10) == 0) cancelledBefore(log)
        }
        launch { caller.awaitTickets() }
    }

    /** The oracle does not hear of this record: it must not be there. */
    private suspend fun cancelledBefore(log: SuspendingWal) {
        CoroutineScope(Job().apply { cancel() }).launch { log.append(ByteArray(9) { 9 }) }.join()
    }

    /** Follows again where a checkpoint has overtaken it, if the log is not closed meanwhile. */
    private suspend fun follow(log: SuspendingWal, level: Durability, stamp: Int) {
        var next = 0L
        while (true) {
            try {
                log.follow(next, level).collect { record ->
                    expect(next == 0L || record.lsn() == next) { "LSN ${record.lsn()} was delivered, expected $next" }
                    oracle.delivered(record.lsn(), record.toByteArray(), level, stamp)
                    next = record.lsn() + 1
                }
                return
            } catch (_: WalGoneException) {
                next = maxOf(next, log.firstLsn)
            } catch (_: WalClosedException) {
                return
            }
        }
    }

    /** A reader of its own is given only what is proven durable. */
    private fun readBeside() {
        val stamp = oracle.stamp()
        try {
            Wal.openReadOnly(shape.store(disk), shape.options()).use { reader ->
                reader.replay(0).use {
                    while (it.next()) {
                        oracle.delivered(it.lsn(), it.record().toByteArray(), Durability.SYNCED, stamp)
                    }
                }
            }
        } catch (_: WalGoneException) {
            // A checkpoint deleted the segment meanwhile.
        }
    }

    private suspend fun end(log: SuspendingWal) {
        val survivors = Loss.entries[random.nextInt(2)]
        if (random.nextBoolean()) {
            log.close()
            oracle.acknowledged(log.lastLsn, Durability.SYNCED, oracle.stamp())
        }
        oracle.crashed(survivors)
        val next = if (survivors == Loss.PROCESS) disk.killImage() else disk.image(random.nextLong())
        disk.beforeCall = null
        log.close()
        disk = next
        disk.shortTransfers = shape.shortTransfers
    }

    private fun reopened(wal: Wal): Int {
        val found = Recovery.everythingIn(wal)
        val (expectation, _) = oracle.capture { }
        oracle.reopened(found, expectation.check(found, Loss.PROCESS))
        callers.forEach { it.reopened(found.lastLsn) }
        return oracle.stamp()
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
                val where = "seed $seed, era $era, of coroutines, $survivors lost before call $index ($call), " +
                    "image $choice, $shape"
                states.add(CrashState(image, shape, survivors, expectation, where, choice))
            }
        }
    }
}
