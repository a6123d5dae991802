package dev.kwal.coroutines

import dev.kwal.Durability
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch

class CancellationSpec :
    StringSpec({
        "a cancelled wait ends at once, and the record commits with its group" {
            withLog { log, store ->
                store.holdSyncs()
                val cancelled = launch { log.appendAndSync("a".toByteArray()) }
                val other = async { log.appendAndSync("b".toByteArray()) }
                untilCallersWait()
                blocking { store.awaitHeldSync() }
                cancelled.cancelAndJoin()
                store.release()
                other.await() shouldBe 2
                log.texts() shouldContainExactly listOf("a", "b")
            }
        }

        "a cancelled sync does not stop the commit" {
            withLog { log, store ->
                log.append("a".toByteArray(), Durability.BUFFERED)
                store.holdSyncs()
                val cancelled = launch { log.sync() }
                untilCallersWait()
                blocking { store.awaitHeldSync() }
                cancelled.cancelAndJoin()
                store.release()
                log.sync(1) shouldBe 1
                store.syncCount.get() shouldBe 1
            }
        }

        "a caller that is already cancelled appends nothing" {
            withLog { log, _ ->
                launch {
                    cancel()
                    log.append("a".toByteArray(), Durability.BUFFERED)
                }.join()
                log.lastLsn shouldBe 0
            }
        }

        "a record cancelled while it waits for room is not in the log" {
            withLog(TINY_BUFFER) { log, store ->
                log.appendAndSync("begins the segment".toByteArray())
                store.holdAppends()
                val first = async { log.append("a".toByteArray()) }
                untilCallersWait()
                blocking { store.awaitHeldAppend() }
                log.occupyBuffer() shouldBe 3
                val cancelled = launch { log.append(ByteArray(LARGE)) }
                untilCallersWait()
                cancelled.cancelAndJoin()
                store.release()
                first.await() shouldBe 2
                log.appendAndSync("b".toByteArray()) shouldBe 4
                log.texts() shouldContainExactly listOf("begins the segment", "a", "in the buffer", "b")
            }
        }

        "a caller cancelled while its record is being appended may use its buffer again" {
            withLog(TINY_BUFFER) { log, store ->
                log.occupyBuffer()
                store.holdAppends()
                val record = ByteBuffer.wrap(ByteArray(LARGE) { 'x'.code.toByte() })
                val cancelled = launch { log.append(record, Durability.BUFFERED) }
                untilCallersWait()
                blocking { store.awaitHeldAppend() }
                cancelled.cancelAndJoin()
                record.array().fill('y'.code.toByte())
                store.release()
                log.sync()
                log.texts() shouldContainExactly listOf("in the buffer", "x".repeat(LARGE))
            }
        }

        "an unconfined caller that blocks after its call holds up nobody" {
            withLog { log, store ->
                val blocked = CountDownLatch(1)
                val scope = CoroutineScope(Job() + Dispatchers.Unconfined)
                var resumedOn: String? = null
                // A caller whose record is durable before it waits goes on at once, and would block this thread.
                store.holdSyncs()
                val unconfined = List(4) {
                    scope.launch {
                        log.appendAndSync("a".toByteArray())
                        resumedOn = Thread.currentThread().name
                        blocked.await()
                    }
                }
                store.release()
                try {
                    repeat(3) { log.appendAndSync("b".toByteArray()) }
                    log.sync()
                } finally {
                    blocked.countDown()
                }
                unconfined.forEach { it.join() }
                resumedOn.orEmpty().startsWith(LogDispatcher.THREAD_NAME) shouldBe false
            }
        }

        "a caller with a dispatcher of its own never resumes on the log's thread" {
            withLog { log, _ ->
                val threads = List(3) { step ->
                    async(Dispatchers.Unconfined) {
                        when (step) {
                            0 -> log.appendAndSync("a".toByteArray())
                            1 -> log.checkpoint(0)
                            else -> log.truncateAfter(log.lastLsn)
                        }
                        Thread.currentThread().name
                    }
                }
                threads.forEach { it.await().startsWith(LogDispatcher.THREAD_NAME) shouldBe false }
            }
        }
    })
