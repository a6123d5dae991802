package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import java.io.IOException
import java.nio.ByteBuffer
import java.time.Duration

/** Whole numbers as text; refuses 13 when encoding. */
private object Numbers : RecordCodec<Int> {
    override fun encode(value: Int): ByteBuffer {
        if (value == 13) throw IOException("13 brings bad luck")
        return value.toString().toBuffer()
    }

    override fun decode(record: ByteBuffer): Int = Charsets.UTF_8.decode(record).toString().toInt()
}

private fun LogFixture.numbers(): TypedWal<Int> = TypedWal.of(wal, Numbers)

private fun TypedCursor<Int>.values(): List<Int> = buildList { while (next()) add(value()) }

class TypedWalSpec :
    StringSpec({
        "values come back as they were appended, by every way of appending" {
            val log = LogFixture()
            val numbers = log.numbers()
            numbers.append(1) shouldBe 1
            numbers.append(2, Durability.BUFFERED) shouldBe 2
            numbers.append(3, Durability.BUFFERED, Duration.ofDays(1)) shouldBe 3
            numbers.appendAndSync(4) shouldBe 4
            numbers.appendBatch(listOf(5, 6), Durability.WRITTEN) shouldBe 6
            numbers.tryAppend(7) shouldBe 7
            numbers.appendAsync(8, Durability.WRITTEN).lsn() shouldBe 8
            numbers.replay(0).use { it.values() } shouldBe (1..8).toList()
            numbers.read(4).value() shouldBe 4
            numbers.read(4).lsn() shouldBe 4
        }

        "values get the LSN expected, or are not appended" {
            val log = LogFixture()
            val numbers = log.numbers()
            numbers.appendIf(1, 1, Durability.WRITTEN) shouldBe 1
            numbers.appendBatchIf(2, listOf(2, 3), Durability.WRITTEN) shouldBe 3
            shouldThrow<WalConflictException> { numbers.appendIf(3, 4, Durability.WRITTEN) }
            shouldThrow<WalConflictException> { numbers.appendBatchIf(3, listOf(4, 5), Durability.WRITTEN) }
            shouldThrow<IOException> { numbers.appendBatchIf(4, listOf(4, 13), Durability.WRITTEN) }
            numbers.replay(0).use { it.values() } shouldBe listOf(1, 2, 3)
        }

        "followers get values, at the level they ask for" {
            val log = LogFixture()
            val numbers = log.numbers()
            numbers.append(1)
            numbers.follow(0, Durability.WRITTEN).use { cursor ->
                cursor.next(Duration.ZERO) shouldBe true
                cursor.lsn() shouldBe 1
                cursor.value() shouldBe 1
            }
            numbers.follow(0).use { it.next(Duration.ZERO) shouldBe false }
        }

        "a record that does not decode is an error with its LSN, and the cursor goes on behind it" {
            val log = LogFixture().write("1", "two", "3")
            log.numbers().replay(0).use { cursor ->
                cursor.next()
                cursor.next()
                val error = shouldThrow<WalDecodingException> { cursor.value() }
                error.lsn() shouldBe 2
                error.message!!.substringBefore(": ") shouldBe "record 2 of 3 bytes cannot be decoded"
                error.cause.shouldBeInstanceOf<NumberFormatException>()
                cursor.next() shouldBe true
                cursor.value() shouldBe 3
            }
            val read = log.numbers().read(2)
            shouldThrow<WalDecodingException> { read.value() }.lsn() shouldBe 2
            read.record().text() shouldBe "two"
        }

        "a value that does not encode appends nothing, nor does a batch with one" {
            val log = LogFixture()
            val numbers = log.numbers()
            shouldThrow<IOException> { numbers.append(13) }.message shouldBe "13 brings bad luck"
            shouldThrow<IOException> { numbers.appendBatch(listOf(1, 13), Durability.WRITTEN) }
            log.wal.lastLsn() shouldBe 0
        }

        "closing it closes the log" {
            val log = LogFixture()
            log.numbers().close()
            log.wal.state() shouldBe WalState.CLOSED
        }
    })
