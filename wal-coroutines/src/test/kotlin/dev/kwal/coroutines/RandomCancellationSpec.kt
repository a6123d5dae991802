package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.storage.FileStore
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.comparables.shouldBeLessThanOrEqualTo
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import java.io.File
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.Executors
import kotlin.random.Random
import kotlin.time.Duration.Companion.microseconds

/** What everybody was told is what the log has, whoever was cancelled when. */
class RandomCancellationSpec :
    StringSpec({
        val seed = System.getProperty("seed")?.toLong() ?: Random.nextLong()

        repeat(3) { round ->
            "thousands of callers, cancelled at random: the log has what they were told, round ${round + 1}" {
                withClue("-Dseed=$seed") {
                    runTest(timeout = PATIENCE) {
                        val store = WatchedStore()
                        val told = Told()
                        SuspendingWal.open(store, TINY).use { log ->
                            told.work(log, Random(seed + round), callers = 3_000)
                            log.sync()
                            told.check(log.replay().toList().associate { it.lsn() to it.text() }, log.lastLsn)
                        }
                        SuspendingWal.open(store, TINY).use { log ->
                            told.check(log.replay().toList().associate { it.lsn() to it.text() }, log.lastLsn)
                        }
                    }
                }
            }
        }

        "a copy of the files made while syncs are held has every record that was acknowledged as synced" {
            withClue("-Dseed=$seed") {
                runTest(timeout = PATIENCE) {
                    val directory = tempdir()
                    val copy = tempdir()
                    val store = WatchedStore(FileStore.of(directory.toPath()))
                    val told = Told()
                    SuspendingWal.open(store, TINY.withSegmentBytes(1 shl 16)).use { log ->
                        told.work(log, Random(seed), callers = 500)
                        store.holdSyncs()
                        val more = async(Dispatchers.Default) { told.work(log, Random(seed + 1), callers = 500) }
                        val acknowledged = try {
                            store.awaitHeldSync()
                            told.synced.toMap().also { directory.copySegmentsTo(copy) }
                        } finally {
                            store.release()
                        }
                        more.await()
                        Wal.open(FileStore.of(copy.toPath()), TINY).use { wal ->
                            for ((lsn, text) in acknowledged) wal.read(lsn).text() shouldBe text
                        }
                    }
                }
            }
        }
    })

/** Everything happens often. */
private val TINY: WalOptions = WalOptions.DEFAULT
    .withFlushInterval(Duration.ofMillis(1))
    .withBufferBytes(4 shl 10)
    .withSegmentBytes(1 shl 14)
    .withFlushBytes(1 shl 10)

/** One that is being prepared has another name first, and may lose it meanwhile. */
private fun File.copySegmentsTo(target: File) {
    for (file in checkNotNull(listFiles())) {
        if (file.extension == "wal") file.copyTo(File(target, file.name))
    }
}

/** What callers were told about the records they appended; each record has a text of its own. */
private class Told {
    /** By LSN: told that the record is in the log. */
    private val accepted = ConcurrentHashMap<Long, String>()

    /** By LSN: told that the record is synced. */
    val synced = ConcurrentHashMap<Long, String>()

    /** The texts of batches, which are there whole or not at all. */
    private val batches = ConcurrentLinkedQueue<List<String>>()

    /** Cancelled before the call: certainly not there. */
    private val never = ConcurrentHashMap.newKeySet<String>()

    /** Cancelled later, so that only the log knows. */
    private val unknown = ConcurrentHashMap.newKeySet<String>()

    private val others = ConcurrentLinkedQueue<Throwable>()

    /** Returns when every caller is over: nobody is left waiting. */
    suspend fun work(log: SuspendingWal, random: Random, callers: Int) {
        Executors.newFixedThreadPool(2).asCoroutineDispatcher().use { pool ->
            val dispatchers = listOf(Dispatchers.Default, pool, Dispatchers.Unconfined, Dispatchers.IO)
            val scope = CoroutineScope(Job())
            val jobs = List(callers) { number ->
                val own = Random(random.nextLong())
                val start = if (number % 10 == 0) CoroutineStart.LAZY else CoroutineStart.DEFAULT
                scope.launch(dispatchers[random.nextInt(4)], start) { call(log, own, "${own.nextLong()}") }
            }
            val cancelling = jobs.filter { random.nextInt(3) == 0 }.map { job ->
                val yields = random.nextInt(50)
                scope.launch(Dispatchers.Default) {
                    repeat(yields) { yield() }
                    job.cancel()
                }
            }
            jobs.forEach { it.start() }
            (jobs + cancelling).joinAll()
        }
    }

    private suspend fun call(log: SuspendingWal, random: Random, name: String) {
        val level = Durability.entries[random.nextInt(3)]
        val size = listOf(10, 100, 1_000, 6_000)[random.nextInt(4)]
        val count = if (random.nextInt(3) == 0) 1 + random.nextInt(4) else 1
        val texts = List(count) { "$name/$it ".padEnd(size, '.') }
        val records = texts.map { ByteBuffer.wrap(it.toByteArray()) }
        var isAppending = false
        try {
            limited(random) {
                when (random.nextInt(10)) {
                    0 -> log.sync()

                    1 -> log.checkpoint(0)

                    2 -> log.rotate()

                    3 -> log.read(1 + random.nextLong(maxOf(1, log.lastLsn)))

                    4 -> {
                        isAppending = true
                        val ticket = log.appendBatchAsync(records, level)
                        isAppending = false
                        accept(ticket.lsn, texts)
                        if (ticket.reached.await() == ticket.lsn) reach(log, ticket.lsn, texts, level)
                    }

                    else -> {
                        isAppending = true
                        val one = records.singleOrNull()
                        val lsn = if (one != null) log.append(one, level) else log.appendBatch(records, level)
                        isAppending = false
                        accept(lsn, texts)
                        reach(log, lsn, texts, level)
                    }
                }
            }
        } catch (_: CancellationException) {
            if (isAppending) {
                unknown.addAll(texts)
                batches.add(texts)
            }
        } catch (thrown: Throwable) {
            // The first record may not be there yet when it is read.
            if (thrown !is IllegalArgumentException) others.add(thrown)
        } finally {
            // The caller may use its buffers again, whatever became of the call.
            records.forEach { it.array().fill('!'.code.toByte()) }
        }
        refuse(log, random, name)
    }

    private suspend fun <T> limited(random: Random, call: suspend () -> T) {
        if (random.nextInt(4) == 0) withTimeout(random.nextInt(1, 3_000).microseconds) { call() } else call()
    }

    /** One more that is cancelled before the call. */
    private suspend fun refuse(log: SuspendingWal, random: Random, name: String) {
        if (random.nextInt(10) != 0) return
        val text = "$name/never"
        never.add(text)
        CoroutineScope(Job().apply { cancel() }).launch(Dispatchers.Unconfined, CoroutineStart.UNDISPATCHED) {
            log.append(text.toByteArray())
        }.join()
    }

    private fun accept(lastLsn: Long, texts: List<String>) {
        batches.add(texts)
        texts.forEachIndexed { number, text -> accepted[lastLsn - texts.size + 1 + number] = text }
    }

    private fun reach(log: SuspendingWal, lastLsn: Long, texts: List<String>, level: Durability) {
        val reached = when (level) {
            Durability.BUFFERED -> log.lastLsn
            Durability.WRITTEN -> log.writtenLsn
            Durability.SYNCED -> log.asBlocking().durableLsn()
        }
        check(reached >= lastLsn) { "record $lastLsn was said to be $level, which only $reached are" }
        if (level != Durability.SYNCED) return
        texts.forEachIndexed { number, text -> synced[lastLsn - texts.size + 1 + number] = text }
    }

    fun check(found: Map<Long, String>, lastLsn: Long) {
        others.toList() shouldBe emptyList()
        found.keys.toList() shouldContainExactly (1L..lastLsn).toList()
        found.values.toSet().size shouldBe found.size
        for ((lsn, text) in accepted) found[lsn] shouldBe text
        (found.values intersect never) shouldBe emptySet()
        for (text in found.values - accepted.values.toSet()) text shouldBeIn unknown
        val lsns = found.entries.associate { (lsn, text) -> text to lsn }
        for (batch in batches) {
            val theirs = batch.mapNotNull { lsns[it] }
            theirs.size shouldBeIn listOf(0, batch.size)
            theirs.zipWithNext { a, b -> a + 1 shouldBe b }
        }
        accepted.size shouldBeLessThanOrEqualTo found.size
    }
}
