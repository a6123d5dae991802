package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.WalFailedException
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.Job
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.StandardTestDispatcher
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import java.io.IOException
import kotlin.random.Random

private const val SEEDS = 60

/**
 * Callers and committer on one thread, so that a seed is an order of queueing, committing, cancelling and failing: more is
 * queued and cancelled between two calls and while the store writes or flushes. Only the moment in which a caller hears of
 * its outcome is not in the seed. Whoever is left waiting is waited for in vain.
 */
class CommitterOrderSpec :
    StringSpec({
        "in whatever order callers queue and are cancelled, nobody is told early and nobody is left waiting" {
            val first = System.getProperty("order.seed")?.toLong()
            for (seed in if (first == null) 1L..SEEDS else first..first) {
                withClue("-Dorder.seed=$seed") { runTest(timeout = PATIENCE) { Order(seed, this).run() } }
            }
        }
    })

@OptIn(ExperimentalCoroutinesApi::class)
private class Order(seed: Long, private val scope: TestScope) {
    private val random = Random(seed)
    private val store = HookedStore()
    private val callers = ArrayList<Job>()
    private val told = HashMap<Long, String>()
    private val maybe = HashSet<String>()
    private var failsAtSync = if (random.nextInt(4) == 0) 1 + random.nextInt(6) else Int.MAX_VALUE

    /** While something else goes on beside a call of the store, or everything was begun, nothing more is. */
    private var nesting = 0

    suspend fun run() {
        val log = SuspendingWal.open(store, QUIET, StandardTestDispatcher(scope.testScheduler))
        store.before = { call ->
            if (call == "append" || call == "sync") meanwhile(log)
            if (call == "sync" && --failsAtSync <= 0) throw IOException("the medium failed")
        }
        repeat(40) {
            step(log)
            if (random.nextInt(3) == 0) scope.runCurrent()
        }
        nesting++
        callers.joinAll()
        check(log)
    }

    /** What others do while the committer is in the store. */
    private fun meanwhile(log: SuspendingWal) {
        if (nesting > 0) return
        nesting++
        repeat(random.nextInt(3)) { step(log) }
        nesting--
    }

    private fun step(log: SuspendingWal) {
        when (random.nextInt(3)) {
            0 -> callers.randomOrNull(random)?.cancel()

            else -> {
                val text = "record ${callers.size}"
                callers += scope.launch { call(log, text) }
            }
        }
    }

    private suspend fun call(log: SuspendingWal, text: String) {
        val level = Durability.entries.random(random)
        maybe += text
        try {
            val lsn = if (random.nextInt(4) == 0) {
                val ticket = log.appendAsync(buffers(text).single(), level)
                ticket.reached.await()
                ticket.lsn
            } else {
                log.append(text.toByteArray(), level)
            }
            told[lsn] = text
            val reached = when (level) {
                Durability.BUFFERED -> log.lastLsn
                Durability.WRITTEN -> log.writtenLsn
                Durability.SYNCED -> log.asBlocking().durableLsn()
            }
            check(reached >= lsn) { "record $lsn was said to be $level, which only $reached are" }
        } catch (_: CancellationException) {
            // It is there or not.
        } catch (failed: WalFailedException) {
            check(failsAtSync <= 0) { "$failed, and nothing has failed" }
        }
    }

    private suspend fun check(log: SuspendingWal) {
        if (failsAtSync <= 0) {
            (log.state.value is LogState.Failed || log.asBlocking().failure() != null) shouldBe true
            runCatching { log.close() }
            return
        }
        store.before = {}
        val last = log.sync()
        val found = log.replay().toList().associate { it.lsn() to it.text() }
        found.keys.toList() shouldBe (1L..last).toList()
        found.values.toSet().size shouldBe found.size
        for ((lsn, text) in told) found.entries.map { it.key to it.value } shouldContain (lsn to text)
        found.values.forEach { it shouldBeIn maybe }
        log.close()
    }
}
