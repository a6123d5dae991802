package dev.kwal.coroutines

import dev.kwal.Snapshot
import dev.kwal.SnapshotRecovery
import dev.kwal.Snapshots
import dev.kwal.WalClosedException
import dev.kwal.WalCorruptedException
import dev.kwal.WalSnapshotException
import dev.kwal.storage.MemorySnapshotStore
import dev.kwal.storage.SnapshotStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldNotContain
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import java.io.IOException
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit.MILLISECONDS

/** Snapshots behind calls that suspend: where they run, and what a cancellation leaves. */
class SnapshotsSpec :
    StringSpec({
        "a state comes back from the newest snapshot and the records behind it" {
            withLog { log, _ ->
                val snapshots = log.snapshots(MemorySnapshotStore(), keep = 1)
                snapshots.recoverText().run { state to snapshot } shouldBe ("" to null)
                log.write("a", "b")
                snapshots.publishText(2, "ab") shouldBe Snapshot(1, 2, 0)
                log.firstLsn shouldBe 3
                log.write("c")
                snapshots.recoverText() shouldBe
                    SnapshotRecovery.Recovered("abc", 3, Snapshot(1, 2, 0), 1, emptyList())
                snapshots.list() shouldBe listOf(Snapshot(1, 2, 0))
            }
        }

        "any record can be the last, and progress is told" {
            withLog { log, _ ->
                val snapshots = log.snapshots(MemorySnapshotStore())
                log.write("a", "b", "c", "d")
                snapshots.publishText(2, "ab")
                val told = ArrayList<Pair<Long, Long>>()
                val recovered = snapshots.recover(
                    { "" },
                    { it.readBytes().decodeToString() },
                    untilLsn = 3,
                    progress = { lsn, target -> told.add(lsn to target) },
                ) { state, _, record -> state + Charsets.UTF_8.decode(record) }
                recovered.state shouldBe "abc"
                told shouldBe listOf(2L to 3L, 3L to 3L)
            }
        }

        "neither the caller's thread nor one that commits writes or reads a snapshot" {
            withLog { log, _ ->
                val store = ThreadNotingSnapshots()
                val snapshots = log.snapshots(store)
                log.write("a", "b")
                snapshots.publish(1) { target ->
                    store.note()
                    target.write('a'.code)
                }
                snapshots.recover({ "" }, { it.readBytes().decodeToString().also { store.note() } }) { state, _, _ ->
                    store.note()
                    state
                }
                snapshots.list()
                snapshots.truncateAfter(0)
                store.threads.size shouldNotBe 0
                store.threads shouldNotContain Thread.currentThread().name
                store.threads.filter { it.startsWith(LogDispatcher.THREAD_NAME) } shouldBe emptyList()
            }
        }

        "a snapshot that is long in writing holds up no append and no sync" {
            withLog { log, _ ->
                val snapshots = log.snapshots(MemorySnapshotStore())
                log.write("a")
                val gate = Steps()
                val publishing = async {
                    snapshots.publish(1) { target ->
                        target.write('a'.code)
                        gate.stop()
                    }
                }
                untilCallersWait()
                blocking { gate.awaitStop() }
                log.write("b") shouldBe 2
                log.durableLsn.value shouldBe 2
                gate.goOn()
                publishing.await() shouldBe Snapshot(1, 1, 0)
                snapshots.recoverText().state shouldBe "ab"
            }
        }

        "a caller who was cancelled before publishes nothing" {
            withLog { log, _ ->
                val store = MemorySnapshotStore()
                log.write("a")
                var asked = false
                val caller = launch {
                    coroutineContext.cancel()
                    log.snapshots(store).publish(1) { asked = true }
                }
                caller.join()
                asked shouldBe false
                store.snapshots().toList() shouldBe emptyList()
            }
        }

        "one who is cancelled while content is written leaves no snapshot, and nothing is dropped" {
            withLog { log, _ ->
                val store = MemorySnapshotStore()
                val snapshots = log.snapshots(store, keep = 1)
                log.write("a", "b")
                val gate = Steps()
                var isWritten = false
                val caller = launch {
                    snapshots.publish(2) { target ->
                        gate.stop()
                        target.write("ab".toByteArray())
                        isWritten = true
                    }
                }
                untilCallersWait()
                blocking { gate.awaitStop() }
                caller.cancel()
                gate.goOn()
                caller.join()
                isWritten shouldBe false
                store.snapshots().toList() shouldBe emptyList()
                log.firstLsn shouldBe 1
                snapshots.publishText(2, "ab")
                log.firstLsn shouldBe 3
            }
        }

        "one who is cancelled when the snapshot is written publishes it all the same" {
            withLog { log, logStore ->
                val store = MemorySnapshotStore()
                val snapshots = log.snapshots(store, keep = 1)
                log.write("a", "b")
                logStore.holdSyncs()
                val caller = launch { snapshots.publishText(2, "ab") }
                untilCallersWait()
                blocking { logStore.awaitHeldSync() }
                store.snapshots().toList() shouldBe listOf(1L)
                caller.cancel()
                logStore.release()
                caller.join()
                caller.isCancelled shouldBe true
                log.firstLsn shouldBe 3
            }
        }

        "a recovery ends with the record during which its caller was cancelled" {
            withLog { log, _ ->
                log.write("a", "b", "c", "d")
                val applied = ArrayList<Long>()
                val caller = launch {
                    val job = checkNotNull(coroutineContext[Job])
                    log.snapshots(MemorySnapshotStore()).recover({ "" }, { "" }) { state, lsn, _ ->
                        applied.add(lsn)
                        if (lsn == 2L) job.cancel()
                        state
                    }
                }
                caller.join()
                applied shouldBe listOf(1L, 2L)
            }
        }

        "a recovery ends with the read of the snapshot during which its caller was cancelled" {
            withLog { log, _ ->
                val snapshots = log.snapshots(MemorySnapshotStore())
                log.write("a")
                snapshots.publishText(1, "abc")
                val read = ArrayList<Int>()
                val caller = launch {
                    val job = checkNotNull(coroutineContext[Job])
                    snapshots.recover(
                        { "" },
                        { content ->
                            read.add(content.read())
                            job.cancel()
                            read.add(content.read())
                            ""
                        },
                    ) { state, _, _ -> state }
                }
                caller.join()
                read shouldBe listOf('a'.code)
            }
        }

        "what the functions throw reaches the caller, and leaves no snapshot" {
            withLog { log, _ ->
                val store = MemorySnapshotStore()
                val snapshots = log.snapshots(store)
                log.write("a")
                shouldThrow<IOException> { snapshots.publish(1) { throw IOException("mine") } }.message shouldBe "mine"
                store.snapshots().toList() shouldBe emptyList()
                shouldThrow<IOException> { snapshots.recover({ "" }, { "" }) { _, _, _ -> throw IOException("mine") } }
                    .message shouldBe "mine"
                shouldThrow<IllegalArgumentException> { snapshots.publishText(2, "ab") }
            }
        }

        "a truncation takes the snapshots of what it gives up with it" {
            withLog { log, _ ->
                val snapshots = log.snapshots(MemorySnapshotStore(), keep = 9)
                log.write("a", "b", "c")
                snapshots.publishText(1, "a")
                snapshots.publishText(3, "abc")
                snapshots.truncateAfter(2)
                snapshots.list().map { it.lsn() } shouldBe listOf(1L)
                log.lastLsn shouldBe 2
                snapshots.recoverText().state shouldBe "ab"
            }
        }

        "a log that lost its end is not opened" {
            runTest(timeout = PATIENCE) {
                val store = MemorySnapshotStore()
                val longer = WatchedStore()
                SuspendingSnapshots.openLog(longer, store, QUIET).use { log ->
                    log.write("a", "b")
                    log.snapshots(store).publishText(2, "ab")
                }
                SuspendingSnapshots.openLog(longer, store, QUIET).use { it.lastLsn shouldBe 2 }
                val shorter = WatchedStore()
                SuspendingWal.open(shorter, QUIET).use { it.write("a") }
                shouldThrow<WalCorruptedException> { SuspendingSnapshots.openLog(shorter, store, QUIET) }
            }
        }

        "a reader beside the owner recovers what is durable, and hears of a snapshot that is missing" {
            withLog { log, logStore ->
                val store = MemorySnapshotStore()
                log.write("a", "b")
                log.snapshots(store, keep = 1).publishText(2, "ab")
                log.rotate()
                SuspendingWal.openReadOnly(logStore, QUIET).use { reader ->
                    reader.recoverText(store).state shouldBe "ab"
                    shouldThrow<WalSnapshotException> { reader.recoverText(MemorySnapshotStore()) }.lsn() shouldBe 1
                }
            }
        }

        "a closed log has no snapshots to publish or recover" {
            withLog { log, _ ->
                val snapshots = log.snapshots(MemorySnapshotStore())
                log.write("a")
                log.close()
                shouldThrow<WalClosedException> { snapshots.publishText(1, "a") }
                shouldThrow<WalClosedException> { snapshots.recoverText() }
            }
        }

        "as many are kept as are asked for, two if nobody asks" {
            Snapshots.DEFAULT_KEEP shouldBe 2
            withLog { log, _ ->
                val snapshots = log.snapshots(MemorySnapshotStore())
                for (lsn in 1L..4L) {
                    log.write("a")
                    snapshots.publishText(lsn, "a".repeat(lsn.toInt()))
                }
                snapshots.list().map { it.lsn() } shouldBe listOf(3L, 4L)
                shouldThrow<IllegalArgumentException> { log.snapshots(MemorySnapshotStore(), keep = 0) }
            }
        }
    })

private suspend fun SuspendingSnapshots.publishText(lsn: Long, text: String): Snapshot =
    publish(lsn) { it.write(text.toByteArray()) }

private suspend fun SuspendingSnapshots.recoverText(): SnapshotRecovery.Recovered<String> =
    recover({ "" }, { it.readBytes().decodeToString() }) { state, _, record -> state + Charsets.UTF_8.decode(record) }

private suspend fun SuspendingWalReader.recoverText(store: SnapshotStore): SnapshotRecovery.Recovered<String> =
    recover(store, { "" }, { it.readBytes().decodeToString() }) { state, _, record ->
        state + Charsets.UTF_8.decode(record)
    }

/** Where somebody stops until he is told to go on. */
private class Steps {
    private val stopped = CountDownLatch(1)
    private val going = CountDownLatch(1)

    fun stop() {
        stopped.countDown()
        check(going.await(PATIENCE.inWholeMilliseconds, MILLISECONDS)) { "nobody says to go on" }
    }

    fun awaitStop() = check(stopped.await(PATIENCE.inWholeMilliseconds, MILLISECONDS)) { "nobody came here" }

    fun goOn() = going.countDown()
}

/** Remembers which threads use it. */
private class ThreadNotingSnapshots(private val store: SnapshotStore = MemorySnapshotStore()) : SnapshotStore {
    val threads: MutableSet<String> = ConcurrentHashMap.newKeySet()

    fun note() {
        threads.add(Thread.currentThread().name)
    }

    override fun snapshots(): LongArray = store.snapshots().also { note() }

    override fun create(sequence: Long, content: SnapshotStore.Content) =
        store.create(sequence, content).also { note() }

    override fun open(sequence: Long) = store.open(sequence).also { note() }

    override fun delete(sequence: Long) = store.delete(sequence).also { note() }
}
