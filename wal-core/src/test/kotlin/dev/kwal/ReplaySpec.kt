package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.ReadOnlyBufferException
import java.time.Duration

/** How records are read. Large records stand two to a segment. */
class ReplaySpec :
    StringSpec({
        fun six() = LogFixture().writeLarge(6)

        "a replay begins at any LSN, and 0 stands for the first" {
            val log = six()
            for (from in 1L..7L) {
                withClue("from $from") { log.wal.records(from) shouldBe (from..6).map(::largeRecord) }
            }
            log.wal.records(0).size shouldBe 6
        }

        "a replay from 0 begins at the first live record" {
            six().checkpoint(3).wal.records(0) shouldBe (4L..6L).map(::largeRecord)
        }

        "a replay from before the first live record is told that it is gone" {
            val log = six().checkpoint(3)
            shouldThrow<WalGoneException> { log.wal.replay(3) }.lsn() shouldBe 3
        }

        "a replay from behind the end, or from a negative LSN, is refused with the range" {
            val log = six()
            shouldThrow<IllegalArgumentException> { log.wal.replay(8) }.message shouldBe
                "fromLsn is 8, expected 0 to 7"
            shouldThrow<IllegalArgumentException> { log.wal.replay(-1) }
        }

        "a replay of an empty log ends at once" {
            LogFixture().records() shouldBe emptyList()
        }

        "a replay ends where the log ended when it began" {
            val log = LogFixture().write("a", "b")
            val cursor = log.wal.replay(0)
            log.write("c")
            cursor.texts() shouldBe listOf("a", "b")
        }

        "a replay sees what is buffered when it begins" {
            LogFixture().buffer("a", "b").records() shouldBe listOf("a", "b")
        }

        "a replay that ended stays at its end" {
            val log = LogFixture().write("a")
            val cursor = log.wal.replay(0)
            cursor.texts()
            log.write("b")
            cursor.next() shouldBe false
            cursor.next(Duration.ofDays(1)) shouldBe false
        }

        "a replay beside writers sees whole records only, in order" {
            val log = LogFixture(options = WalOptions.DEFAULT.withSegmentBytes(1 shl 16))
            val writer = running { repeat(5000) { log.write("record $it") } }
            while (!writer.isDone) {
                val seen = log.records()
                seen shouldBe List(seen.size) { "record $it" }
            }
            writer.result()
            log.records().size shouldBe 5000
        }

        "readers disturb neither each other nor the log" {
            val log = six()
            val cursors = List(3) { log.wal.replay(it + 1L) }
            cursors.map { it.text() } shouldBe listOf(1L, 2L, 3L).map(::largeRecord)
            cursors.first().close()
            log.writeLarge(1)
            cursors.drop(1).map { it.text() } shouldBe listOf(3L, 4L).map(::largeRecord)
        }

        "one record can be read" {
            val log = six()
            for (lsn in 1L..6L) log.wal.read(lsn).text() shouldBe largeRecord(lsn)
            log.wal.read(5).lsn() shouldBe 5
        }

        "one record that is still buffered can be read" {
            LogFixture().buffer("a").wal.read(1).text() shouldBe "a"
        }

        "a record that was never appended, or 0, is refused with the range" {
            val log = six()
            shouldThrow<IllegalArgumentException> { log.wal.read(7) }.message shouldBe "lsn is 7, expected 1 to 6"
            shouldThrow<IllegalArgumentException> { log.wal.read(0) }
        }

        "a record that was dropped is gone" {
            shouldThrow<WalGoneException> { six().checkpoint(3).wal.read(3) }.message shouldContain "the first is 4"
        }

        "a damaged record is an error with its place, and its neighbours can be read" {
            val log = LogFixture().write("a", "b", "c").sync()
            val b = log.frames().single { it.text == "b" }
            log.flipByteOf("b")
            val refusal = shouldThrow<WalCorruptedException> { log.wal.read(2) }
            Triple(refusal.segment(), refusal.position(), refusal.lsn()) shouldBe Triple(1L, b.position, 2L)
            log.wal.read(1).text() shouldBe "a"
        }

        "a cursor without a current record says so" {
            val cursor = six().wal.replay(0)
            shouldThrow<IllegalStateException> { cursor.lsn() }
            shouldThrow<IllegalStateException> { cursor.record() }
            cursor.texts()
            shouldThrow<IllegalStateException> { cursor.view() }
        }

        "a cursor gives LSN, length, a view that cannot be written, and a copy" {
            val cursor = LogFixture().write("abc").wal.replay(0)
            cursor.next()
            cursor.lsn() to cursor.length() shouldBe (1L to 3)
            shouldThrow<ReadOnlyBufferException> { cursor.view().put(0, 1) }
            cursor.view().remaining() shouldBe 3
            cursor.record().text() shouldBe "abc"
        }

        "a copy stays when the cursor moves" {
            val cursor = LogFixture().write("a", "b").wal.replay(0)
            cursor.next()
            val kept = cursor.record()
            cursor.next()
            kept.text() shouldBe "a"
        }

        "a closed cursor is refused" {
            val cursor = LogFixture().write("a").wal.replay(0)
            cursor.close()
            shouldThrow<IllegalStateException> { cursor.next() }
        }

        "a cursor goes on in a segment that a checkpoint deleted, or is told that the record is gone" {
            val log = six()
            val cursor = log.wal.replay(1)
            cursor.next()
            log.checkpoint(6)
            shouldThrow<WalGoneException> { cursor.texts() }.message shouldContain "dropped by a checkpoint"
        }

        "a cursor before a cut ends clearly at the cut" {
            val log = six()
            val cursor = log.wal.replay(1)
            cursor.next()
            log.truncateAfter(3).write("other")
            cursor.texts() shouldBe listOf(2L, 3L).map(::largeRecord)
        }

        "a cursor behind a cut is told that its records were given up" {
            val log = six()
            val cursor = log.wal.replay(4)
            cursor.next()
            log.truncateAfter(2).writeLarge(4)
            shouldThrow<WalGoneException> { cursor.next() }.message shouldContain "given up by a truncation"
        }

        "a cursor that stands just behind the cut ends, and gives no record of the new epoch" {
            val log = LogFixture().write("a", "b")
            val cursor = log.wal.replay(1)
            cursor.text() shouldBe "a"
            log.truncateAfter(1).write("B")
            cursor.next() shouldBe false
        }

        "a replay under a smaller limit says which record is too long" {
            val log = LogFixture().write("a", "x".repeat(20_000)).rotate().write("b").close()
            log.reopen { it.withMaxRecordBytes(100) }
            shouldThrow<WalFormatException> { log.records() }.message shouldContain "record 2 has 20000 bytes"
        }
    })
