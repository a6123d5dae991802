package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain

private const val ORDERS = 7
private const val PAYMENTS = Int.MAX_VALUE

/** Records can have tags, which readers choose by. */
class TagSpec :
    StringSpec({
        "a record comes back with its tag, over restarts" {
            val log = LogFixture().write("plain")
            log.wal.tagged(ORDERS).append("order".toBuffer()) shouldBe 2
            log.wal.tagged(PAYMENTS).append("payment".toBuffer(), Durability.SYNCED) shouldBe 3
            val expected = listOf("0 plain", "7 order", "2147483647 payment")
            log.tagged() shouldBe expected
            log.reopen().tagged() shouldBe expected
            log.close().reopen().tagged() shouldBe expected
            log.wal.read(2).tag() shouldBe ORDERS
        }

        "what recovery copies keeps its tags" {
            val log = LogFixture().write("plain").sync()
            log.wal.tagged(ORDERS).append("order".toBuffer(), Durability.WRITTEN)
            log.wal.tagged(ORDERS).appendBatch(listOf("one".toBuffer(), "".toBuffer()), Durability.WRITTEN)
            log.reopen().report.copiedRecords() shouldBe 3
            log.tagged() shouldBe listOf("0 plain", "7 order", "7 one", "7 ")
        }

        "a batch has one tag, or one for each record" {
            val log = LogFixture()
            val records = listOf("a", "b", "c").map { it.toBuffer() }
            log.wal.tagged(ORDERS).appendBatch(records) shouldBe 3
            log.wal.tagged(ORDERS).appendBatch(records, intArrayOf(1, 0, 3), Durability.WRITTEN) shouldBe 6
            log.tagged() shouldBe listOf("7 a", "7 b", "7 c", "1 a", "0 b", "3 c")
            log.wal.replay(WalRange.from(2).tagged(3)).use { it.texts() } shouldBe listOf("c")
        }

        "every way to append takes the tag" {
            val log = LogFixture()
            val orders = log.wal.beginWriting().tagged(ORDERS)
            orders.epoch() shouldBe 1
            orders.append("a".toBuffer())
            orders.appendIf(2, "b".toBuffer(), Durability.BUFFERED)
            orders.appendBatchIf(3, listOf("c".toBuffer()), Durability.BUFFERED)
            orders.tryAppend("d".toBuffer()) shouldBe 4
            orders.tryAppendBatch(listOf("e".toBuffer(), "f".toBuffer())) shouldBe 6
            log.tagged() shouldBe listOf("7 a", "7 b", "7 c", "7 d", "7 e", "7 f")
        }

        "a tagged writer of an older epoch is shut out" {
            val log = LogFixture()
            val older = log.wal.beginWriting().tagged(ORDERS)
            log.wal.beginWriting()
            shouldThrow<WalFencedException> { older.append("x".toBuffer()) }
            shouldThrow<WalFencedException> { older.tryAppend("x".toBuffer()) }
            shouldThrow<WalFencedException> { older.tryAppendBatch(emptyList()) }
            log.wal.tagged(ORDERS).append("y".toBuffer()) shouldBe 1
        }

        "only records of a tag are read, in either direction" {
            val log = LogFixture()
            for (number in 1..60) log.wal.tagged(1 + number % 3).append("$number".toBuffer())
            val threes = (1..60).filter { it % 3 == 2 }.map { "$it" }
            log.wal.replay(WalRange.ALL.tagged(3)).use { it.texts() } shouldBe threes
            log.wal.replay(WalRange.ALL.tagged(3).reversed()).use { it.texts() } shouldBe threes.reversed()
            log.wal.replay(WalRange.ALL.tagged(4)).use { it.texts() } shouldBe emptyList()
            log.wal.replay(WalRange.ALL.tagged(3)).use { generateSequence(it::text).toList() } shouldBe threes
        }

        "a record of the greatest length takes a tag beside it" {
            val log = LogFixture(options = SMALL_SEGMENTS.withMaxRecordBytes(200_000).withBufferBytes(1 shl 20))
            val longest = "x".repeat(200_000)
            log.wal.tagged(ORDERS).append(longest.toBuffer())
            log.reopen().wal.read(1).text() shouldBe longest
            log.wal.read(1).tag() shouldBe ORDERS
        }

        "records that differ by their tags are not equal" {
            val log = LogFixture()
            val other = LogFixture().write("a")
            log.wal.tagged(ORDERS).append("a".toBuffer())
            (log.wal.read(1) == other.wal.read(1)) shouldBe false
            (log.wal.read(1) == log.wal.read(1)) shouldBe true
        }

        "what is no tag is refused, and takes no LSN" {
            val log = LogFixture()
            for (tag in listOf(0, -1, Int.MIN_VALUE)) {
                shouldThrow<IllegalArgumentException> { log.wal.tagged(tag) }.message shouldContain "tag is $tag"
            }
            val writer = log.wal.tagged(ORDERS)
            val records = listOf("a".toBuffer(), "b".toBuffer())
            for (tags in listOf(intArrayOf(1), intArrayOf(1, 2, 3), intArrayOf(1, -2))) {
                shouldThrow<IllegalArgumentException> { writer.appendBatch(records, tags, Durability.BUFFERED) }
            }
            log.wal.lastLsn() shouldBe 0
        }

        "what is salvaged keeps its tag, and a reader beside the owner sees it" {
            val log = LogFixture()
            log.wal.tagged(ORDERS).append("a".toBuffer())
            log.close()
            Wal.openReadOnly(log.store, log.options).use { it.read(1).tag() shouldBe ORDERS }
            WalSalvage.of(log.store, log.options).cursor().use {
                it.next() shouldBe true
                it.tag() shouldBe ORDERS
            }
        }
    })

private fun LogFixture.tagged(): List<String> = wal.replay(0).use { cursor ->
    buildList { while (cursor.next()) add("${cursor.tag()} ${cursor.record().text()}") }
}
