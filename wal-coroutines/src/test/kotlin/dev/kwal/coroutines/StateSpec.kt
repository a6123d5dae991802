package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalFailedException
import dev.kwal.WalNoSpaceException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.takeWhile
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import java.io.IOException
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger

/** What the state flows tell. */
class StateSpec :
    StringSpec({
        "no space is told with its cause, and goes away by itself" {
            runTest {
                val cause = IOException("no space")
                val created = AtomicInteger()
                val store = HookedStore { if (it == "create" && created.incrementAndGet() > 1) throw cause }
                val log = SuspendingWal.open(store, QUIET.withSegmentBytes(1 shl 10))
                log.state.value shouldBe LogState.Open
                log.appendAndSync(ByteArray(FILLS_SEGMENT))
                shouldThrow<WalNoSpaceException> { log.append(ByteArray(FILLS_SEGMENT)) }
                log.state.first { it != LogState.Open } shouldBe LogState.NoSpace(cause)
                log.lastLsn shouldBe 1
                log.read(1).length() shouldBe FILLS_SEGMENT
                store.before = {}
                log.append(ByteArray(FILLS_SEGMENT)) shouldBe 2
                log.state.first { it == LogState.Open }
                log.close()
                log.state.first { it == LogState.Closed }
            }
        }

        "the owner and a reader beside it tell the same id" {
            runTest {
                val store = WatchedStore()
                val log = SuspendingWal.open(store, QUIET)
                log.appendAndSync("a".toByteArray())
                val reader = SuspendingWal.openReadOnly(store, QUIET)
                reader.logId shouldBe log.logId
                reader.close()
                log.close()
            }
        }

        "a failure is told with its cause, and then that the log is closed" {
            runTest {
                val store = WatchedStore()
                val log = SuspendingWal.open(store, QUIET)
                val failure = IOException("the disk is gone")
                store.failSyncs(failure)
                shouldThrow<WalFailedException> { log.appendAndSync("a".toByteArray()) }
                log.state.first { it != LogState.Open } shouldBe LogState.Failed(failure)
                log.durableLsn.value shouldBe 0
                shouldThrow<WalFailedException> { log.close() }
                log.state.first { it == LogState.Closed }
            }
        }

        "a sync by a Java thread is told" {
            runTest {
                val wal = Wal.open(WatchedStore(), QUIET)
                val log = wal.asSuspending()
                val seen = async { log.durableLsn.first { it == 2L } }
                blocking {
                    wal.append("a".toByteArray(), Durability.BUFFERED)
                    wal.append("b".toByteArray(), Durability.BUFFERED)
                    wal.sync()
                }
                seen.await() shouldBe 2
                blocking { wal.close() }
                log.state.first { it == LogState.Closed }
                log.close()
            }
        }

        "the durable LSN rises with the commits, record by record for one caller" {
            withLog { log, _ ->
                val seen = async(Dispatchers.Default) { log.durableLsn.takeWhile { it < 100 }.toList() }
                repeat(100) { log.appendAndSync("a".toByteArray()) }
                seen.await().let { it shouldContainExactly it.distinct().sorted() }
                log.durableLsn.first { it == 100L }
            }
        }

        "the durable LSN of a log that was opened again is where it was" {
            runTest {
                val store = WatchedStore()
                SuspendingWal.open(store, QUIET).use { it.append("a".toByteArray(), Durability.BUFFERED) }
                SuspendingWal.open(store, QUIET).use { it.durableLsn.value shouldBe 1 }
            }
        }

        "a collector of the durable LSN that blocks keeps nobody from hearing of the state" {
            runTest {
                val store = WatchedStore()
                val log = SuspendingWal.open(store, QUIET)
                val blocked = CountDownLatch(1)
                val reached = CountDownLatch(1)
                val collector = CoroutineScope(Job() + Dispatchers.Unconfined).launch {
                    log.durableLsn.first { it > 0 }
                    reached.countDown()
                    blocked.await()
                }
                log.appendAndSync("a".toByteArray())
                blocking { reached.await() }
                store.failSyncs(IOException("the disk is gone"))
                shouldThrow<WalFailedException> { log.appendAndSync("b".toByteArray()) }
                log.state.first { it != LogState.Open }.shouldBeInstanceOf<LogState.Failed>()
                blocked.countDown()
                collector.join()
                shouldThrow<WalFailedException> { log.close() }
            }
        }

        "a collector that blocks keeps no other from hearing the same" {
            withLog { log, _ ->
                val blocked = CountDownLatch(1)
                val unconfined = CoroutineScope(Job() + Dispatchers.Unconfined)
                val blocking = CompletableDeferred<Unit>()
                unconfined.launch {
                    log.durableLsn.first { it == 1L }
                    blocking.complete(Unit)
                    blocked.await()
                }
                try {
                    log.appendAndSync("a".toByteArray())
                    blocking.await()
                    log.appendAndSync("b".toByteArray())
                    withContext(Dispatchers.Default) { log.durableLsn.first { it == 2L } }
                } finally {
                    blocked.countDown()
                }
            }
        }

        "who came back from a call sees what it did, by collecting too" {
            withLog { log, _ ->
                for (lsn in 1L..200L) {
                    log.appendAndSync("a".toByteArray()) shouldBe lsn
                    log.durableLsn.first() shouldBe lsn
                }
            }
        }
    })

private const val FILLS_SEGMENT = 900
