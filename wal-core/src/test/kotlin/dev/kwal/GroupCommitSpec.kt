package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.core.test.Enabled
import io.kotest.matchers.booleans.shouldBeFalse
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.comparables.shouldBeGreaterThanOrEqualTo
import io.kotest.matchers.comparables.shouldBeLessThanOrEqualTo
import io.kotest.matchers.shouldBe
import java.time.Duration
import java.util.concurrent.Semaphore
import java.util.concurrent.atomic.AtomicInteger

private val ROOMY: WalOptions = WalOptions.DEFAULT.withSegmentBytes(1 shl 20).withBufferBytes(1 shl 18)

/** How threads share writes and flushes, and what their syncs promise. */
class GroupCommitSpec :
    StringSpec({
        "64 threads that append and sync need at most one flush for 8 operations" {
            val log = LogFixture(options = ROOMY)
            val flushes = Semaphore(0)
            val begun = AtomicInteger()
            log.store.before = {
                if (it.startsWith("sync")) {
                    begun.incrementAndGet()
                    flushes.acquireUninterruptibly()
                }
            }
            val alive = AtomicInteger(64)
            val threads = List(64) { thread ->
                running {
                    repeat(8) { log.wal.appendAndSync("$thread.$it".toByteArray()) }
                    alive.decrementAndGet()
                }
            }
            // A flush ends only when every thread that is left has a record waiting.
            var ended = 0
            awaitUntil {
                if (begun.get() > ended && log.wal.lastLsn() - log.wal.durableLsn() >= alive.get()) {
                    ended++
                    flushes.release()
                }
                alive.get() == 0
            }
            threads.forEach { it.result() }
            log.wal.durableLsn() shouldBe 512
            log.store.syncCount shouldBeLessThanOrEqualTo 64
        }

        "syncs of many threads are at least one flush and at most one each, and all is durable" {
            val log = LogFixture(options = ROOMY)
            val threads = List(16) { thread ->
                running { repeat(20) { log.write("$thread").sync() } }
            }
            threads.forEach { it.result() }
            log.store.syncCount shouldBeLessThanOrEqualTo 320
            log.store.syncCount shouldBeGreaterThanOrEqualTo 1
            log.wal.durableLsn() shouldBe 320
        }

        "virtual threads share flushes, and no flush holds a thread that carries them"
            .config(enabledOrReasonIf = {
                if (Virtual.areThere) Enabled.enabled else Enabled.disabled("needs JDK 21")
            }) {
                val store = WatchedStore()
                val log = Wal.open(store, ROOMY)
                val carried = AtomicInteger()
                store.before = {
                    if (it.startsWith("sync") && Virtual.isVirtual(Thread.currentThread())) carried.incrementAndGet()
                }
                val platform = List(2) { running { repeat(50) { log.appendAndSync("p$it".toByteArray()) } } }
                val threads = List(64) { Running(Virtual) { repeat(8) { log.appendAndSync("v$it".toByteArray()) } } }
                (platform + threads).forEach { it.result() }
                log.durableLsn() shouldBe 64 * 8 + 2 * 50
                carried.get() shouldBe 0
                store.fail("sync")
                shouldThrow<WalFailedException> {
                    Running(Virtual) { log.appendAndSync("x".toByteArray()) }.result()
                }
            }

        "what was appended while a flush ran is covered by the next one, once for all" {
            val log = LogFixture(options = ROOMY).write("a")
            val gate = log.store.stopAt("sync")
            val first = running { log.sync() }
            gate.awaitSomebody()
            val others = List(10) { running { log.wal.appendAndSync("r$it".toByteArray()) } }
            awaitUntil { log.wal.lastLsn() == 11L }
            gate.open()
            (others + first).forEach { it.result() }
            log.store.syncCount shouldBe 2
        }

        "a flush that others wait for is put off until what cannot wait comes" {
            val log = LogFixture(options = ROOMY.withLinger(Duration.ofHours(1), 2))
            val gate = log.store.stopAt("sync")
            val first = running { log.wal.appendAndSync("alone, and flushed at once".toByteArray()) }
            gate.awaitSomebody()
            val others = List(3) { running { log.wal.appendAndSync("r$it".toByteArray()) } }
            awaitUntil { log.wal.lastLsn() == 4L && others.all { it.isWaiting } }
            gate.open()
            first.result() shouldBe 1
            val late = List(3) { running { log.wal.appendAndSync("late $it".toByteArray()) } }
            awaitUntil { log.wal.lastLsn() == 7L && late.all { it.isWaiting } }
            (others + late).none { it.isDone } shouldBe true
            log.store.syncCount shouldBe 1
            val checkpoint = running { log.wal.checkpoint(1) }
            (others + late).forEach { it.result() }
            checkpoint.result()
        }

        "a flush that began before a record was written does not release its sync" {
            val log = LogFixture(options = ROOMY).write("a")
            val first = log.store.stopAt("sync")
            val early = running { log.sync() }
            first.awaitSomebody()
            val second = Gate()
            log.store.before = { if (it.startsWith("sync")) second.pass() }
            val late = running { log.wal.appendAndSync("b".toByteArray()) }
            awaitUntil { log.wal.lastLsn() == 2L }
            first.open()
            early.result()
            log.wal.durableLsn() shouldBe 1
            second.awaitSomebody()
            late.isDone.shouldBeFalse()
            second.open()
            late.result() shouldBe 2
        }

        "the durable LSN is told only after the flush that made it so" {
            val log = LogFixture(options = ROOMY).write("a", "b")
            val gate = log.store.stopAt("sync")
            val sync = running { log.sync() }
            gate.awaitSomebody()
            log.write("c")
            log.wal.durableLsn() shouldBe 0
            gate.open()
            sync.result()
            log.wal.durableLsn() shouldBe 2
        }

        "a written record does not wait for a running flush" {
            val log = LogFixture(options = ROOMY).write("a")
            val gate = log.store.stopAt("sync")
            val sync = running { log.sync() }
            gate.awaitSomebody()
            log.wal.append("b".toByteArray(), Durability.WRITTEN) shouldBe 2
            log.wal.writtenLsn() shouldBe 2
            gate.open()
            sync.result()
        }

        "a buffered record does not wait for a running write" {
            val log = LogFixture(options = ROOMY)
            log.write("a")
            val gate = log.store.stopAt("append")
            val write = running { log.write("b") }
            gate.awaitSomebody()
            log.wal.append("c".toByteArray(), Durability.BUFFERED) shouldBe 3
            gate.open()
            write.result()
        }

        "a sync waits only as far as its record" {
            val log = LogFixture(options = ROOMY).write("a").sync().write("b")
            val before = log.store.syncCount
            log.wal.sync(1) shouldBe 1
            log.store.syncCount shouldBe before
        }

        "a sync of what is durable already flushes nothing" {
            val log = LogFixture(options = ROOMY).write("a").sync()
            val before = log.store.calls.size
            log.sync().sync().wal.sync(0)
            log.store.calls.size shouldBe before
        }

        "a sync of a record that was not appended yet is refused with the range" {
            val log = LogFixture(options = ROOMY).write("a", "b")
            shouldThrow<IllegalArgumentException> { log.wal.sync(3) }.message shouldBe "lsn is 3, expected 0 to 2"
            shouldThrow<IllegalArgumentException> { log.wal.commit(-1, Durability.WRITTEN) }
            log.wal.durableLsn() shouldBe 0
        }

        "a sync of an empty log flushes nothing" {
            LogFixture().sync().store.calls.size shouldBe 0
        }

        "the threads of one group write with one call" {
            val log = LogFixture(options = ROOMY).write("a")
            val gate = log.store.stopAt("append")
            val first = running { log.write("b") }
            gate.awaitSomebody()
            val others = List(10) { running { log.write("r$it") } }
            awaitUntil { log.wal.lastLsn() == 12L }
            gate.open()
            (others + first).forEach { it.result() }
            log.store.calls.count { it == "append 1" } shouldBe 3
        }

        "records of eight threads get LSNs of their own and all come back, each where its append said" {
            val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(4096))
            val threads = List(8) { thread ->
                running { List(200) { "$thread.$it".let { text -> log.wal.append(text.toByteArray()) to text } } }
            }
            val written = threads.flatMap { it.result() }
            written.map { it.first } shouldContainExactlyInAnyOrder (1L..1600L).toList()
            val there = log.sync().reopen().records()
            written.forEach { (lsn, text) -> withClue("LSN $lsn") { there[lsn.toInt() - 1] shouldBe text } }
        }

        "the records of one thread are in the order of its appends" {
            val log = LogFixture(options = ROOMY)
            val threads = List(4) { thread -> running { repeat(300) { log.buffer("$thread.$it") } } }
            threads.forEach { it.result() }
            log.records().groupBy { it.substringBefore('.') }.forEach { (thread, records) ->
                records shouldBe List(300) { "$thread.$it" }
            }
        }

        "an append waits when the buffer is full, and goes on when it was written" {
            val log = LogFixture(options = ROOMY.withBufferBytes(4096))
            log.write("a")
            val gate = log.store.stopAt("append")
            val write = running { log.write("b") }
            gate.awaitSomebody()
            var filled = 0
            while (log.wal.tryAppend(ByteArray(1000).let(java.nio.ByteBuffer::wrap)) != Wal.NO_ROOM) filled++
            val waiting = running { log.wal.append(ByteArray(1000), Durability.BUFFERED) }
            awaitUntil { waiting.isWaiting }
            log.wal.lastLsn() shouldBe 2 + filled
            gate.open()
            write.result()
            waiting.result() shouldBe 3 + filled
        }
    })
