package dev.kwal.crash

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference

/**
 * Crashes random lives of logs before every operation of their disks, and recovers.
 *
 * `-Dcrash.seed=7` lives the life of that seed alone, `-Dcrash.states=1000000` goes on for longer, and
 * `-Dcrash.threads=1` keeps to one core.
 */
class CrashExplorationSpec :
    StringSpec({
        "what was acknowledged comes back from every crash, in order and once" {
            val recovery = Recovery()
            val began = System.nanoTime()
            val only = System.getProperty("crash.seed")?.toLong()
            if (only != null) {
                live(only, recovery)
            } else {
                val fresh = System.nanoTime() / 1000 % 1_000_000_000
                println("crash exploration: corpus of $CORPUS seeds, then from seed $fresh on")
                explore(recovery, Integer.getInteger("crash.states", STATES)) { if (it <= CORPUS) it else fresh + it }
                recovery.states shouldBeGreaterThanOrEqual
                    STATES.coerceAtMost(Integer.getInteger("crash.states", STATES))
            }
            val seconds = (System.nanoTime() - began) / 1e9
            println(
                "crash exploration: ${recovery.states} states, ${recovery.crashes} in workloads and " +
                    "${recovery.innerCrashes} inside recoveries, and ${recovery.laterCrashes} later losses of power; " +
                    "%.0f states/s on $THREADS cores".format(recovery.states / seconds),
            )
        }
    })

private val THREADS = Integer.getInteger("crash.threads", Runtime.getRuntime().availableProcessors())
private const val STATES = 20_000
private const val CORPUS = 6L

/** Every fourth seed is that of a crowded life. */
internal fun live(seed: Long, recovery: Recovery) =
    if (seed % 4 == 0L) CrowdedLife(seed, recovery).run() else Life(seed, recovery).run()

/** Lives lives on several cores until there were so many states. */
private fun explore(recovery: Recovery, states: Int, seedOf: (Long) -> Long) {
    val next = AtomicInteger()
    val broken = AtomicReference<Throwable?>()
    val threads = Executors.newFixedThreadPool(THREADS)
    repeat(THREADS) {
        threads.execute {
            try {
                while (recovery.states < states && broken.get() == null) {
                    live(seedOf(next.incrementAndGet().toLong()), recovery)
                }
            } catch (e: Throwable) {
                broken.compareAndSet(null, e)
            }
        }
    }
    threads.shutdown()
    threads.awaitTermination(1, TimeUnit.DAYS)
    println("crash exploration: ${next.get()} lives")
    broken.get()?.let { throw it }
}
