package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import java.nio.ByteBuffer
import java.time.Duration

/** A record is appended only if it gets the LSN that its caller expects. */
class AppendIfSpec :
    StringSpec({
        "a record gets the LSN expected" {
            val log = LogFixture().write("a")
            log.wal.appendIf(2, "b".toByteArray()) shouldBe 2
            log.wal.appendIf(3, "c".toBuffer(), Durability.SYNCED) shouldBe 3
            log.wal.durableLsn() shouldBe 3
            log.records() shouldBe listOf("a", "b", "c")
        }

        "who expects another LSN appends nothing, takes none, and is told both" {
            val log = LogFixture().write("a", "b")
            for (expected in listOf(1L, 2L, 4L, Long.MAX_VALUE)) {
                val thrown = shouldThrow<WalConflictException> { log.wal.appendIf(expected, "c".toByteArray()) }
                listOf(thrown.expectedNextLsn(), thrown.actualNextLsn()) shouldBe listOf(expected, 3L)
            }
            log.write("C").sync().reopen().records() shouldBe listOf("a", "b", "C")
        }

        "no LSN is expected before the first" {
            val log = LogFixture()
            for (expected in listOf(0L, -1L, Long.MIN_VALUE)) {
                shouldThrow<IllegalArgumentException> { log.wal.appendIf(expected, "a".toByteArray()) }.message shouldBe
                    "expectedNextLsn is $expected, expected 1 or more"
            }
            log.wal.lastLsn() shouldBe 0
        }

        "a batch gets the LSNs from the one expected on, or none" {
            val log = LogFixture().write("a")
            log.wal.appendBatchIf(2, batchOf("b", "c"), Durability.SYNCED) shouldBe 3
            shouldThrow<WalConflictException> { log.wal.appendBatchIf(3, batchOf("d", "e"), Durability.SYNCED) }
                .actualNextLsn() shouldBe 4
            log.records() shouldBe listOf("a", "b", "c")
        }

        "an empty batch says whether the LSN is the one expected" {
            val log = LogFixture().write("a")
            log.wal.appendBatchIf(2, emptyList(), Durability.BUFFERED) shouldBe 1
            shouldThrow<WalConflictException> { log.wal.appendBatchIf(1, emptyList(), Durability.BUFFERED) }
        }

        "of all who expect the same LSN one gets it, and the others hear of it" {
            val log = LogFixture(options = SMALL_SEGMENTS.withBufferBytes(4096))
            val callers = List(4) { caller -> running { List(200) { log.appendAfterLast("$caller.$it") } } }
            val conflicts = callers.flatMap { it.result() }.sum()
            val records = log.sync().reopen().records()
            records.size shouldBe 800
            records.toSet().size shouldBe 800
            println("of 800 conditional appends, $conflicts were tried again")
        }

        "who appends without a condition is a conflict to who appends with one, and never the other way" {
            val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(1 shl 20))
            val plain = running { repeat(500) { log.wal.append("p$it".toByteArray(), Durability.BUFFERED) } }
            val careful = running { repeat(100) { log.appendAfterLast("c$it") } }
            plain.result()
            careful.result()
            val records = log.sync().reopen().records()
            records.filter { it.startsWith("p") } shouldContainExactly List(500) { "p$it" }
            records.filter { it.startsWith("c") } shouldContainExactly List(100) { "c$it" }
        }

        "where a segment is full, one is begun, and the condition holds still" {
            val log = LogFixture()
            for (lsn in 1L..6L) log.wal.appendIf(lsn, largeRecord(lsn).toByteArray()) shouldBe lsn
            log.sequences().size shouldBe 3
            log.reopen().records() shouldBe (1L..6L).map(::largeRecord)
        }

        "who waits for room is asked again when there is some" {
            val log = LogFixture(options = SMALL_SEGMENTS.withBufferBytes(4096)).writeLarge(2).sync()
            val gate = log.store.stopAt("create 2")
            val other = running { log.wal.append(largeRecord(0).toByteArray()) }
            gate.awaitSomebody()
            val waiting = running { log.wal.appendIf(3, largeRecord(3).toByteArray()) }
            awaitUntil { waiting.isWaiting }
            gate.open()
            val outcomes = listOf(runCatching { waiting.result() }, runCatching { other.result() })
            log.records().size shouldBe if (outcomes[0].isSuccess) 4 else 3
            outcomes[1].getOrThrow() shouldBe if (outcomes[0].isSuccess) 4 else 3
            outcomes[0].exceptionOrNull()?.let { (it is WalConflictException) shouldBe true }
        }

        "nothing is created for who expects another LSN" {
            val log = LogFixture().writeLarge(2).sync()
            log.store.calls.clear()
            shouldThrow<WalConflictException> { log.wal.appendIf(1, largeRecord(1).toByteArray()) }
            log.store.calls.toList() shouldBe emptyList()
        }

        "a conditional append without space takes no LSN" {
            val log = LogFixture().writeLarge(2).sync()
            log.store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            shouldThrow<WalNoSpaceException> { log.wal.appendIf(3, largeRecord(3).toByteArray()) }
            log.store.heal()
            log.wal.appendIf(3, largeRecord(3).toByteArray()) shouldBe 3
        }

        "after a truncation the LSN behind the cut is next" {
            val log = LogFixture().write("a", "b", "c").sync().truncateAfter(1)
            shouldThrow<WalConflictException> { log.wal.appendIf(4, "d".toByteArray()) }.actualNextLsn() shouldBe 2
            log.wal.appendIf(2, "B".toByteArray()) shouldBe 2
        }

        "a limit that runs out before anything was appended is told so" {
            val log = LogFixture().writeLarge(2).sync()
            shouldThrow<WalTimeoutException> {
                log.wal.appendIf(3, largeRecord(3).toBuffer(), Durability.SYNCED, Duration.ofNanos(1))
            }.lsn() shouldBe 0
            log.wal.lastLsn() shouldBe 2
        }

        "a log that is closed or has failed says that, whatever is expected" {
            val closed = LogFixture().write("a").close()
            shouldThrow<WalClosedException> { closed.wal.appendIf(7, "b".toByteArray()) }
            shouldThrow<WalClosedException> { closed.wal.appendBatchIf(7, emptyList(), Durability.BUFFERED) }
            val failed = LogFixture().write("a")
            failed.store.fail("sync")
            runCatching { failed.sync() }
            shouldThrow<WalFailedException> { failed.wal.appendIf(7, "b".toByteArray()) }
        }
    })

/** Appends behind what is there, and says how often somebody else was faster. */
private fun LogFixture.appendAfterLast(record: String): Int {
    var conflicts = 0
    while (true) {
        val expected = wal.lastLsn() + 1
        try {
            wal.appendIf(expected, record.toByteArray()) shouldBe expected
            return conflicts
        } catch (e: WalConflictException) {
            check(e.actualNextLsn() > expected) { "expected $expected, refused for ${e.actualNextLsn()}" }
            conflicts++
        }
    }
}

private fun batchOf(vararg records: String): List<ByteBuffer> = records.map { it.toBuffer() }
