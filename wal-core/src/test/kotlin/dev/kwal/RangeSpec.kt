package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.boolean
import io.kotest.property.arbitrary.long
import io.kotest.property.checkAll

/** Ranges of records, in order and against it. */
class RangeSpec :
    StringSpec({
        "a range ends with its last record, or with the log's" {
            val log = LogFixture().write("a", "b", "c", "d")
            log.range(WalRange.from(2).to(3)) shouldBe listOf("b", "c")
            log.range(WalRange.from(3)) shouldBe listOf("c", "d")
            log.range(WalRange.ALL.to(99)) shouldBe listOf("a", "b", "c", "d")
            log.range(WalRange.from(3).to(2)) shouldBe emptyList()
            log.range(WalRange.from(5)) shouldBe emptyList()
        }

        "any range of a log of many segments is what it is in order, reversed" {
            val log = LogFixture().writeLarge(40).checkpoint(5)
            log.buffer("buffered")
            checkAll(200, Arb.long(6L..42L), Arb.long(0L..45L), Arb.boolean()) { from, to, isWhole ->
                val range = if (isWhole) WalRange.ALL.to(to) else WalRange.from(from).to(to)
                log.range(range.reversed()) shouldBe log.range(range).reversed()
                log.range(range.reversed().reversed()) shouldBe log.range(range)
            }
        }

        "records larger than what is kept come one by one, backwards too" {
            val log = LogFixture(options = WalOptions.DEFAULT)
            val records = (1..9).map { "$it".repeat(if (it % 3 == 0) 300_000 else 50_000) }
            log.write(*records.toTypedArray())
            log.range(WalRange.ALL.reversed()) shouldBe records.reversed()
        }

        "a cursor that goes backwards ends at the record that was first when it began" {
            val log = LogFixture().writeLarge(30)
            log.wal.replay(WalRange.ALL.reversed()).use { cursor ->
                cursor.next() shouldBe true
                cursor.lsn() shouldBe 30
                log.writeLarge(2)
                cursor.next() shouldBe true
                cursor.lsn() shouldBe 29
                log.sync().checkpoint(28)
                shouldThrow<WalGoneException> { while (cursor.next()) Unit }
            }
        }

        "a truncation under a cursor that goes backwards is told" {
            val log = LogFixture().writeLarge(40)
            log.wal.replay(WalRange.ALL.reversed()).use { cursor ->
                cursor.next() shouldBe true
                log.truncateAfter(3)
                shouldThrow<WalGoneException> { while (cursor.next()) Unit }
            }
        }

        "damage is told when a cursor gets there, from either side" {
            val log = LogFixture().writeLarge(30).close()
            val first = log.sequences().first()
            val bytes = log.store.bytes(first)
            bytes[bytes.size / 2] = (bytes[bytes.size / 2] + 1).toByte()
            log.store.replace(first, bytes)
            log.reopen()
            log.range(WalRange.from(20).reversed()).size shouldBe 11
            shouldThrow<WalCorruptedException> { log.range(WalRange.ALL.reversed()) }
            shouldThrow<WalCorruptedException> { log.range(WalRange.ALL) }
        }

        "what cannot be read is refused at once, in either direction" {
            val log = LogFixture().writeLarge(12).sync().checkpoint(6)
            for (range in listOf(WalRange.from(2), WalRange.from(2).reversed())) {
                shouldThrow<WalGoneException> { log.wal.replay(range) }
            }
            for (range in listOf(WalRange.from(14), WalRange.from(14).reversed())) {
                shouldThrow<IllegalArgumentException> { log.wal.replay(range) }
            }
            shouldThrow<IllegalArgumentException> { WalRange.from(-1) }
            shouldThrow<IllegalArgumentException> { WalRange.ALL.to(-1) }
            shouldThrow<IllegalArgumentException> { WalRange.ALL.tagged(-1) }
            log.close()
            shouldThrow<WalClosedException> { log.wal.replay(WalRange.ALL.reversed()) }
        }

        "a reader beside the owner reads backwards what is durable" {
            val log = LogFixture().write("a", "b").sync().write("c")
            Wal.openReadOnly(log.store, log.options).use { reader ->
                reader.replay(WalRange.ALL.reversed()).use { it.texts() } shouldBe listOf("b", "a")
            }
        }

        "there is a current record between the first step and the last only" {
            val log = LogFixture().write("a")
            val cursor = log.wal.replay(WalRange.ALL.reversed())
            shouldThrow<IllegalStateException> { cursor.lsn() }
            cursor.next() shouldBe true
            cursor.length() shouldBe 1
            cursor.view().isReadOnly shouldBe true
            cursor.next() shouldBe false
            shouldThrow<IllegalStateException> { cursor.record() }
            cursor.close()
            shouldThrow<IllegalStateException> { cursor.next() }
        }
    })

private fun LogFixture.range(range: WalRange): List<String> = wal.replay(range).use { it.texts() }
