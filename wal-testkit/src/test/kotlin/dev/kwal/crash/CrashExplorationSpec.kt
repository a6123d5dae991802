package dev.kwal.crash

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference
import kotlin.time.Duration.Companion.days

/**
 * Crashes random lives of logs before every operation of their disks, and recovers.
 *
 * Each time the seeds in `crash-seeds.txt` come first, and then others that begin at a fresh one.
 * `-Dcrash.seed=7` lives the life of that seed alone, `-Dcrash.states=1000000` goes on for longer, `-Dcrash.seconds=600`
 * for so long, `-Dcrash.from=7` says where the others begin, and `-Dcrash.threads=1` keeps to one core.
 */
class CrashExplorationSpec :
    StringSpec({
        "what was acknowledged comes back from every crash, in order and once".config(timeout = 365.days) {
            val recovery = Recovery()
            val began = System.nanoTime()
            val only = java.lang.Long.getLong("crash.seed")
            if (only == null) explore(recovery) else live(only, recovery)
            val seconds = (System.nanoTime() - began) / 1e9
            println(
                "crash exploration: ${recovery.states} states, ${recovery.crashes} in workloads and " +
                    "${recovery.innerCrashes} inside recoveries, and ${recovery.laterCrashes} later losses of power; " +
                    "${recovery.recoveries} recoveries; " +
                    "%.0f s, %.0f states/s on $THREADS threads".format(seconds, recovery.states / seconds),
            )
        }
    })

private val THREADS = Integer.getInteger("crash.threads", Runtime.getRuntime().availableProcessors())
private val STATES = Integer.getInteger("crash.states", 20_000)
private val SECONDS = java.lang.Long.getLong("crash.seconds")

/** Of eight seeds two are those of crowded lives, and one is that of a life of coroutines. */
internal fun live(seed: Long, recovery: Recovery) = when (Math.floorMod(seed, 8)) {
    0, 4 -> CrowdedLife(seed, recovery).run()
    6 -> SuspendingLife(seed, recovery).run()
    else -> Life(seed, recovery).run()
}

/** The seeds that every run begins with. */
private fun corpus(): List<Long> = checkNotNull(Recovery::class.java.getResource("/crash-seeds.txt")).readText()
    .lines().map { it.substringBefore('#').trim() }.filter { it.isNotEmpty() }.map { it.toLong() }

/** The whole corpus, and then fresh lives on several cores until there were so many states, or for so long. */
private fun explore(recovery: Recovery) {
    val corpus = corpus()
    val fresh = java.lang.Long.getLong("crash.from") ?: (System.nanoTime() / 1000 % 1_000_000_000)
    println("crash exploration: corpus of ${corpus.size} seeds, then from seed $fresh on")
    val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS ?: 0)
    val isOver = { if (SECONDS == null) recovery.states >= STATES else System.nanoTime() - end >= 0 }
    val next = AtomicInteger()
    val broken = AtomicReference<Throwable?>()
    val threads = Executors.newFixedThreadPool(THREADS)
    repeat(THREADS) {
        threads.execute {
            try {
                while (broken.get() == null) {
                    val index = next.getAndIncrement()
                    if (index >= corpus.size && isOver()) break
                    live(corpus.getOrElse(index) { fresh + index - corpus.size }, recovery)
                }
            } catch (e: Throwable) {
                broken.compareAndSet(null, e)
            }
        }
    }
    threads.shutdown()
    threads.awaitTermination(1, TimeUnit.DAYS)
    println("crash exploration: ${next.get() - THREADS} lives")
    broken.get()?.let { throw it }
    recovery.states shouldBeGreaterThanOrEqual if (SECONDS == null) STATES else 1
}
