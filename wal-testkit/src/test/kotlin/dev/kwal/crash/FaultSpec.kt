package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalException
import dev.kwal.WalFailedException
import dev.kwal.WalState
import dev.kwal.testkit.CallWatcher
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.DiskFailure
import io.kotest.core.spec.style.StringSpec
import java.util.Random
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit

/**
 * Lets every single call of a disk fail in a log's life, and sees that nobody is told an untruth.
 *
 * `-Dcrash.fault=SYNC_IO` lets those alone fail, and `-Dcrash.fault=SYNC_IO:17` that call alone.
 */
class FaultSpec :
    StringSpec({
        val only = System.getProperty("crash.fault")

        for (fault in Fault.entries.filter { only == null || only.substringBefore(':') == it.name }) {
            "whichever call fails with $fault, the log fails or goes on, and keeps what it acknowledged" {
                val recovery = Recovery()
                val at = only?.substringAfter(':', "")?.toIntOrNull()
                val lives = together(shapes) { (shape, times) ->
                    if (at == null) {
                        generateSequence(1) { call -> call + 1 }
                            .takeWhile { call -> FaultLife(shape, fault, call, times, recovery).run() }
                            .count()
                    } else {
                        FaultLife(shape, fault, at, times, recovery).run()
                        1
                    }
                }.sum()
                println(
                    "faults: $fault, one of ${Fault.entries.size} kinds, in $lives lives, ${recovery.states} crashes",
                )
            }
        }

        "every thread that waits hears of a failed flush, and what was acknowledged before is there" {
            val recovery = Recovery()
            together((1L..40L).toList()) { crowdedFault(it, recovery) }
            println("faults: ${recovery.states} crashes of logs that failed under several threads")
        }
    })

/** With how often the fault strikes in a row. */
private val shapes = listOf(
    Shape.of(Random(1)).copy(segmentBytes = 1024, preallocation = true, recycling = 2, reserveBytes = 4096) to 1,
    Shape.of(Random(2)).copy(segmentBytes = 2048, preallocation = false, recycling = 0, reserveBytes = 0) to 3,
)

/** Does work on all cores. What takes minutes hangs. */
private fun <T, R> together(subjects: List<T>, work: (T) -> R): List<R> {
    val threads = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors()) { task ->
        Thread(task).also { it.isDaemon = true }
    }
    try {
        return subjects.map { threads.submit(Callable { work(it) }) }.map { it.get(5, TimeUnit.MINUTES) }
    } finally {
        threads.shutdownNow()
    }
}

/** Some flush of the log fails, and all after it, while several threads append and sync. */
private fun crowdedFault(seed: Long, recovery: Recovery) {
    val random = Random(seed)
    val shape = Shape.of(random)
    val disk = shape.disk(seed)
    val oracle = Oracle()
    val wal = Wal.open(shape.store(disk), shape.options())
    val errno = listOf(DiskFailure.IO, DiskFailure.NO_SPACE, DiskFailure.QUOTA)[random.nextInt(3)]
    var flushes = 1 + random.nextInt(12)
    disk.beforeCall = CallWatcher { call, path, _ ->
        if (call == DiskCall.SYNC && "$path".endsWith(".wal") && --flushes <= 0) throw errno.at(path)
    }
    val callers = List(2 + random.nextInt(3)) { Caller(oracle, Random(mixed(seed, it.toLong())), shape, it + 1) }
    together(callers) { it.useUntilFailed(wal) }
    expect(wal.state() == WalState.FAILED) { "seed $seed: the state is ${wal.state()}" }
    for (image in 0L..8L) {
        val choice = mixed(seed, image)
        val survivors = if (image % 3 == 0L) Loss.PROCESS else Loss.POWER
        val (expectation, left) = oracle.capture { if (image % 3 == 0L) disk.killImage() else disk.image(choice) }
        recovery.check(CrashState(left, shape, survivors, expectation, "seed $seed, failed, $survivors lost", choice))
    }
    runCatching { wal.close() }
    callers.forEach(Caller::awaitTickets)
}

private fun Caller.useUntilFailed(wal: Wal) {
    repeat(10_000) {
        try {
            if (random.nextInt(3) == 0) append(wal) else appendWaiting(wal, Durability.SYNCED)
        } catch (e: WalFailedException) {
            return
        } catch (e: WalException) {
            throw BrokenPromise("$e from a log that failed", e)
        }
    }
    throw BrokenPromise("the log never failed")
}
