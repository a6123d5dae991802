package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.WalConflictException
import dev.kwal.WalFencedException
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext

/** Appends that are made only if something holds, by callers who suspend. */
class ConditionSpec :
    StringSpec({
        "a record and a batch get the LSNs expected, at their level" {
            withLog { log, _ ->
                log.appendIf(1, "a".toByteArray(), Durability.BUFFERED) shouldBe 1
                log.asBlocking().durableLsn() shouldBe 0
                log.appendBatchIf(2, buffers("b", "c"), Durability.SYNCED) shouldBe 3
                log.asBlocking().durableLsn() shouldBe 3
                log.texts() shouldBe listOf("a", "b", "c")
            }
        }

        "who expects another LSN appends nothing, and is told both" {
            withLog { log, _ ->
                log.write("a", "b")
                val thrown = shouldThrow<WalConflictException> { log.appendIf(2, "c".toByteArray()) }
                listOf(thrown.expectedNextLsn(), thrown.actualNextLsn()) shouldBe listOf(2L, 3L)
                shouldThrow<WalConflictException> { log.appendBatchIf(4, buffers("c", "d")) }
                shouldThrow<WalConflictException> { log.appendBatchIf(4, emptyList()) }
                shouldThrow<IllegalArgumentException> { log.appendIf(0, "c".toByteArray()) }
                log.texts() shouldBe listOf("a", "b")
            }
        }

        "of all who expect the same LSN one gets it" {
            withLog { log, _ ->
                val won = withContext(Dispatchers.Default) {
                    (1L..50L).map { lsn ->
                        List(4) { async { wins { log.appendIf(lsn, "$lsn".toByteArray()) } } }.awaitAll()
                    }
                }
                won.forEach { winners -> winners.count { it } shouldBe 1 }
                log.texts() shouldBe (1..50).map { "$it" }
            }
        }

        "a caller who is cancelled before it has begun appends nothing" {
            withLog { log, _ ->
                launch {
                    cancel()
                    log.appendIf(1, "a".toByteArray())
                }.join()
                log.lastLsn shouldBe 0
            }
        }

        "a newer writer shuts out the older one, and nobody else" {
            withLog { log, _ ->
                val older = log.beginWriting()
                older.append(buffers("a").single()) shouldBe 1
                older.appendIf(2, buffers("b").single(), Durability.SYNCED) shouldBe 2
                val newer = log.beginWriting()
                listOf(older.epoch, newer.epoch) shouldBe listOf(1L, 2L)
                shouldThrow<WalFencedException> { older.append(buffers("x").single()) }.newestWriterEpoch() shouldBe 2
                shouldThrow<WalFencedException> { older.appendBatch(buffers("x", "y")) }
                shouldThrow<WalFencedException> { older.appendIf(3, buffers("x").single()) }
                shouldThrow<WalFencedException> { older.appendBatchIf(3, buffers("x", "y")) }
                newer.appendBatch(buffers("c", "d"), Durability.SYNCED) shouldBe 4
                newer.appendBatchIf(5, buffers("e")) shouldBe 5
                log.write("f") shouldBe 6
                log.texts() shouldBe listOf("a", "b", "c", "d", "e", "f")
            }
        }

        "the epoch is there after a restart" {
            val store = MemoryStore(StoreCapabilities.DURABLE)
            runTest(timeout = PATIENCE) {
                SuspendingWal.open(store, QUIET).use { it.beginWriting().epoch shouldBe 1 }
                SuspendingWal.open(store, QUIET).use { it.beginWriting().epoch shouldBe 2 }
            }
        }
    })

private suspend fun wins(append: suspend () -> Long): Boolean = try {
    append()
    true
} catch (_: WalConflictException) {
    false
}
