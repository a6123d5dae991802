package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalFencedException
import dev.kwal.WalRange
import dev.kwal.WalRecord
import dev.kwal.storage.MemorySnapshotStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.toList
import java.time.Instant

private const val ORDERS = 7

/** Tags, timestamps and ranges, for callers who suspend. */
class TagSpec :
    StringSpec({
        "a tagged record reaches its level, and comes back with its tag" {
            withLog { log, _ ->
                val orders = log.tagged(ORDERS)
                log.write("plain")
                orders.append(buffers("a").single(), Durability.SYNCED) shouldBe 2
                log.asBlocking().durableLsn() shouldBe 2
                orders.appendBatch(buffers("b", "c")) shouldBe 4
                orders.appendBatch(buffers("d", "e"), intArrayOf(1, WalRecord.NO_TAG)) shouldBe 6
                orders.appendIf(7, buffers("f").single()) shouldBe 7
                log.replay().map { it.tag() }.toList() shouldBe listOf(0, 7, 7, 7, 1, 0, 7)
                log.replay(WalRange.ALL.tagged(ORDERS).reversed()).toList().map { it.text() } shouldBe
                    listOf("f", "c", "b", "a")
                shouldThrow<IllegalArgumentException> { log.tagged(0) }
                shouldThrow<IllegalArgumentException> { orders.appendBatch(buffers("x"), intArrayOf(1, 2)) }
            }
        }

        "tagged callers who find no room wait for it, each once" {
            withLog(options = TINY_BUFFER) { log, _ ->
                log.occupyBuffer()
                val orders = log.tagged(ORDERS)
                List(8) { number ->
                    async {
                        val large = buffers("$number".padEnd(LARGE, '.')).single()
                        if (number % 2 == 0) orders.append(large) else orders.appendBatch(listOf(large))
                    }
                }.awaitAll().sorted() shouldBe (2L..9L).toList()
                log.replay(WalRange.ALL.tagged(ORDERS)).toList().map { it.text().first() - '0' }.sorted() shouldBe
                    (0..7).toList()
            }
        }

        "a writer that is shut out is told so on the way without a suspension, too" {
            withLog { log, _ ->
                val older = log.beginWriting().tagged(ORDERS)
                log.beginWriting()
                shouldThrow<WalFencedException> { older.append(buffers("x").single()) }
                shouldThrow<WalFencedException> { older.appendBatch(buffers("x", "y")) }
                log.lastLsn shouldBe 0
            }
        }

        "what happened since a moment, or until one, is found by its time" {
            var millis = 1000L
            withLog(options = QUIET.withClock { Instant.ofEpochMilli(millis) }) { log, store ->
                for (text in listOf("a", "b", "c", "d")) {
                    log.write(text)
                    millis += 10
                }
                log.firstLsnSince(Instant.ofEpochMilli(1011)) shouldBe 3
                log.replay(WalRange.from(3)).toList().map { it.timestampMillis() } shouldBe listOf(1020L, 1030L)
                val snapshots = log.snapshots(MemorySnapshotStore())
                val moment = Instant.ofEpochMilli(1019)
                val state = snapshots.recover({ "" }, { it.reader().readText() }, untilTime = moment) { state, lsn, _ ->
                    "$state$lsn "
                }
                state.state() shouldBe "1 2 "
                log.close()
                SuspendingWal.openReadOnly(store, QUIET).use { reader ->
                    reader.firstLsnSince(Instant.ofEpochMilli(1030)) shouldBe 4
                    reader.replay(WalRange.ALL.to(2).reversed()).toList().map { it.text() } shouldBe listOf("b", "a")
                }
            }
        }
    })
