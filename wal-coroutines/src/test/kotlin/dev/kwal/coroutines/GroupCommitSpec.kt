package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.storage.MemoryStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.comparables.shouldBeLessThanOrEqualTo
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import java.util.concurrent.Executors

class GroupCommitSpec :
    StringSpec({
        "callers that queue up during a flush share the next one" {
            withLog { log, store ->
                log.append("begins the segment".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                val callers = List(64) { async { log.appendAndSync("record $it".toByteArray()) } }
                untilCallersWait()
                store.release()
                callers.awaitAll() shouldContainExactlyInAnyOrder (2L..65L).toList()
                store.syncCount.get() shouldBeLessThanOrEqualTo 2
            }
        }

        "callers on many threads share flushes" {
            withLog { log, store ->
                log.append("begins the segment".toByteArray(), Durability.BUFFERED) shouldBe 1
                withContext(Dispatchers.Default) {
                    store.holdSyncs()
                    val callers = List(200) { async { log.appendAndSync(ByteArray(100)) } }
                    blocking { while (log.lastLsn < 201) Thread.onSpinWait() }
                    store.release()
                    callers.awaitAll().toSet().size shouldBe 200
                }
                store.syncCount.get() shouldBeLessThanOrEqualTo 25
            }
        }

        "more callers than the queue holds all get through" {
            withLog { log, store ->
                log.append("begins the segment".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                val callers = List(70_000) { async { log.appendAndSync(ByteArray(1)) } }
                untilCallersWait()
                log.lastLsn shouldBe 70_001
                store.release()
                callers.awaitAll().toSet() shouldBe (2L..70_001L).toSet()
                store.syncCount.get() shouldBeLessThanOrEqualTo 2
            }
        }

        "a written append causes no flush" {
            withLog { log, store ->
                log.append("a".toByteArray(), Durability.WRITTEN) shouldBe 1
                store.syncCount.get() shouldBe 0
            }
        }

        "a buffered append does no I/O" {
            withLog { log, store ->
                log.append("a".toByteArray(), Durability.BUFFERED) shouldBe 1
                store.appendThreads shouldBe emptySet()
            }
        }

        "sync covers what others have appended" {
            withLog { log, _ ->
                repeat(10) { log.append("record".toByteArray(), Durability.BUFFERED) }
                log.sync() shouldBeGreaterThanOrEqual 10
            }
        }

        "a batch gets consecutive LSNs" {
            withLog { log, _ ->
                log.append("a".toByteArray())
                log.appendBatch(buffers("b", "c", "d"), Durability.SYNCED) shouldBe 4
                log.texts() shouldContainExactly listOf("a", "b", "c", "d")
            }
        }

        "a record that finds no room is appended all the same, and what follows comes behind it" {
            withLog(TINY_BUFFER) { log, _ ->
                log.occupyBuffer() shouldBe 1
                log.append(ByteArray(LARGE), Durability.BUFFERED) shouldBe 2
                log.append("next".toByteArray(), Durability.SYNCED) shouldBe 3
                log.texts() shouldContainExactly listOf("in the buffer", String(ByteArray(LARGE)), "next")
            }
        }

        "records and batches larger than the buffer are appended at each level" {
            withLog(TINY_BUFFER) { log, _ ->
                for (level in Durability.entries) {
                    val lsn = log.append(ByteArray(LARGE), level)
                    log.read(lsn).length() shouldBe LARGE
                    val last = log.appendBatch(List(5) { ByteBuffer.wrap(ByteArray(5_000)) }, level)
                    log.read(last - 4).length() shouldBe 5_000
                }
            }
        }

        "an LSN that does not exist is an error for its caller alone" {
            withLog { log, store ->
                store.holdSyncs()
                val first = async { log.appendAndSync("a".toByteArray()) }
                untilCallersWait()
                blocking { store.awaitHeldSync() }
                val wrong = async { runCatching { log.sync(1_000) } }
                val right = async { log.appendAndSync("b".toByteArray()) }
                untilCallersWait()
                store.release()
                listOf(first, right).awaitAll() shouldContainExactly listOf(1L, 2L)
                (wrong.await().exceptionOrNull() is IllegalArgumentException) shouldBe true
            }
        }

        "a level that the store cannot give is refused before anything is appended" {
            withLog(store = WatchedStore(MemoryStore())) { log, _ ->
                shouldThrow<IllegalArgumentException> { log.appendAndSync("a".toByteArray()) }
                log.lastLsn shouldBe 0
            }
        }

        "the durable LSN follows the commits" {
            withLog { log, _ ->
                val lsn = log.appendAndSync("a".toByteArray())
                log.durableLsn.value shouldBe lsn
                log.durableLsn.first { it >= lsn } shouldBe 1
                log.append("b".toByteArray(), Durability.BUFFERED)
                log.durableLsn.value shouldBe 1
                log.sync()
                log.durableLsn.first { it >= 2 } shouldBe 2
                log.truncateAfter(1)
                log.durableLsn.first { it < 2 } shouldBe 1
            }
        }

        "writes and syncs happen on the log's own thread" {
            withLog { log, store ->
                withContext(Dispatchers.Default) {
                    List(20) { async { log.appendAndSync(ByteArray(100)) } }.awaitAll()
                }
                withContext(Dispatchers.Unconfined) { log.appendAndSync(ByteArray(100)) }
                (store.syncThreads + store.appendThreads).map { it.substringBefore(" @") }.toSet() shouldBe
                    setOf(LogDispatcher.THREAD_NAME)
            }
        }

        "writes and syncs happen on the dispatcher that was given, which outlives the log" {
            runTest {
                val store = WatchedStore()
                Executors.newFixedThreadPool(4) { Thread(it, "given") }.asCoroutineDispatcher().use { given ->
                    SuspendingWal.open(store, QUIET, given).use { log ->
                        store.forget()
                        List(20) { async { log.appendAndSync(ByteArray(100)) } }.awaitAll()
                    }
                    store.syncThreads.map { it.substringBefore(" @") }.toSet() shouldBe setOf("given")
                    withContext(given) { Thread.currentThread().name } shouldContain "given"
                }
            }
        }

        "Java threads share the log" {
            runTest {
                val wal = Wal.open(WatchedStore(), QUIET)
                wal.asSuspending().use { log ->
                    blocking { wal.appendAndSync("from Java".toByteArray()) }
                    log.appendAndSync("from Kotlin".toByteArray()) shouldBe 2
                    log.texts() shouldContainExactly listOf("from Java", "from Kotlin")
                }
            }
        }
    })
