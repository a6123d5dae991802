package dev.kwal

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SegmentReader
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.boolean
import io.kotest.property.arbitrary.long
import io.kotest.property.checkAll
import java.nio.ByteBuffer

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

        "a cursor that goes backwards does not see what is appended meanwhile, and goes as far as there are records" {
            val log = LogFixture().writeLarge(100)
            log.wal.replay(WalRange.ALL.reversed()).use { cursor ->
                cursor.next() shouldBe true
                cursor.lsn() shouldBe 100
                log.writeLarge(2)
                cursor.next() shouldBe true
                cursor.lsn() shouldBe 99
                log.sync().checkpoint(80)
                for (lsn in 98L downTo 81L) {
                    cursor.next() shouldBe true
                    cursor.lsn() shouldBe lsn
                }
                generateSequence { shouldThrow<WalGoneException> { cursor.next() }.lsn() }.take(2).toList() shouldBe
                    listOf(80L, 80L)
            }
        }

        "a cursor that goes backwards tells a truncation, wherever it cut and whatever came after it" {
            for (cut in listOf(3L, 50L, 90L)) {
                for (more in listOf(0, 5, 120)) {
                    val log = LogFixture().writeLarge(100)
                    log.wal.replay(WalRange.ALL.reversed()).use { cursor ->
                        cursor.next() shouldBe true
                        log.truncateAfter(cut)
                        repeat(more) { log.write("another") }
                        withClue("cut after $cut, $more more") {
                            shouldThrow<WalGoneException> { cursor.next() }.lsn() shouldBe 99
                        }
                    }
                }
            }
        }

        "a truncation behind a cursor that goes backwards does not matter to it" {
            val log = LogFixture().writeLarge(100)
            log.wal.replay(WalRange.ALL.to(50).reversed()).use { cursor ->
                cursor.next() shouldBe true
                log.truncateAfter(60).write("another")
                (49L downTo 1L).map {
                    cursor.next().also { isThere -> isThere shouldBe true }
                    cursor.lsn()
                } shouldBe
                    (49L downTo 1L).toList()
                cursor.next() shouldBe false
            }
        }

        "where long records come before short ones, no step reads them all" {
            val store = CountingStore()
            val log = LogFixture(store, WalOptions.DEFAULT)
            val long = "x".repeat(100_000)
            repeat(600) { log.buffer(long) }
            repeat(8200) { log.buffer("short") }
            log.sync()
            log.wal.replay(WalRange.ALL.reversed()).use { cursor ->
                repeat(8200) { cursor.next() }
                val before = store.readBytes
                cursor.next() shouldBe true
                cursor.length() shouldBe long.length
                store.readBytes - before shouldBeLessThan 16L shl 20
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

/** Counts what is read of segments. */
private class CountingStore(
    private val medium: WalStore = MemoryStore(StoreCapabilities.DURABLE),
) : WalStore by medium {
    var readBytes = 0L

    override fun open(sequence: Long): SegmentReader {
        val reader = medium.open(sequence)
        return object : SegmentReader by reader {
            override fun read(position: Long, target: ByteBuffer) =
                reader.read(position, target).also { readBytes += it }
        }
    }
}
