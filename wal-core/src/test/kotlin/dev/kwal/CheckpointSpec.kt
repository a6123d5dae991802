package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.comparables.shouldBeLessThan
import io.kotest.matchers.shouldBe
import java.io.IOException

/** How a prefix is dropped. Six large records stand two to a segment. */
class CheckpointSpec :
    StringSpec({
        fun six() = LogFixture().writeLarge(6).sync()

        "below the first record it does nothing" {
            val log = six()
            log.wal.checkpoint(0) shouldBe 0
            log.wal.firstLsn() shouldBe 1
            log.sequences() shouldBe listOf(1L, 2L, 3L)
        }

        "in the middle of a segment it drops the records and deletes only the segments before" {
            val log = six()
            log.wal.checkpoint(3) shouldBe 1
            log.sequences() shouldBe listOf(2L, 3L)
            log.records() shouldBe listOf(4L, 5L, 6L).map(::largeRecord)
        }

        "at the end of a segment it deletes that segment too" {
            val log = six()
            log.wal.checkpoint(4) shouldBe 2
            log.sequences() shouldBe listOf(3L)
        }

        "at the last record it never deletes the segment being written" {
            val log = six()
            log.wal.checkpoint(6) shouldBe 2
            log.sequences() shouldBe listOf(3L)
            log.write("next").records() shouldBe listOf("next")
        }

        "above the last record, and below 0, it is refused with the range" {
            val log = six()
            shouldThrow<IllegalArgumentException> { log.checkpoint(7) }.message shouldBe "lsn is 7, expected 0 to 6"
            shouldThrow<IllegalArgumentException> { log.checkpoint(-1) }
            log.records().size shouldBe 6
        }

        "what was dropped already is dropped again without harm" {
            val log = six().checkpoint(4)
            val before = log.image()
            log.wal.checkpoint(2) shouldBe 0
            log.image() shouldBe before
        }

        "the first live LSN survives a crash" {
            val log = six().checkpoint(3).reopen()
            log.wal.firstLsn() shouldBe 4
            log.records() shouldBe listOf(4L, 5L, 6L).map(::largeRecord)
        }

        "the new first LSN is durable in the log before a segment is deleted" {
            val log = six()
            log.store.calls.clear()
            log.checkpoint(4)
            log.store.calls.toList() shouldBe listOf("append 3", "sync 3", "delete 1", "delete 2")
        }

        "records that are still buffered are synced first" {
            val log = six().buffer("b")
            log.wal.checkpoint(7)
            log.wal.durableLsn() shouldBe 7
        }

        "a log that was emptied keeps its LSNs over a crash and a close" {
            for (isClosed in listOf(false, true)) {
                val log = LogFixture().write("a", "b", "c").rotate().checkpoint(3)
                if (isClosed) log.close()
                log.reopen()
                withClue("closed: $isClosed") {
                    log.wal.firstLsn() shouldBe 4
                    log.wal.append("d".toByteArray()) shouldBe 4
                    log.sync().reopen().records() shouldBe listOf("d")
                }
            }
        }

        "a last segment with no record of its own gives its LSNs, not 1" {
            val log = LogFixture().write("a", "b", "c").rotate().checkpoint(3)
            log.frames().count { it.isRecord } shouldBe 0
            log.reopen().write("d").sync().reopen()
            log.wal.read(4).text() shouldBe "d"
        }

        "an emptied log goes on through many openings" {
            val log = LogFixture()
            for (round in 1L..20L) {
                log.wal.append("r$round".toByteArray()) shouldBe round
                log.checkpoint(round).reopen()
            }
            log.wal.lastLsn() shouldBe 20
        }

        "segments that hold no record are deleted with their neighbours, and leave no gap" {
            val log = LogFixture().write("a").rotate().close().reopen()
            log.rotate().write("b").rotate().close().reopen().write("c").rotate()
            log.checkpoint(3).reopen().write("d").sync().reopen()
            log.records() shouldBe listOf("d")
        }

        "a crash between two deletions leaves a log that opens, and the rest is deleted then" {
            val log = LogFixture().writeLarge(8).sync()
            log.store.fail("delete 2")
            shouldThrow<IOException> { log.checkpoint(6) }
            log.store.heal()
            log.sequences() shouldBe listOf(2L, 3L, 4L)
            log.reopen().records() shouldBe listOf(7L, 8L).map(::largeRecord)
            log.close().reopen().sequences().first() shouldBe log.wal.segments().first().sequence
        }

        "a deletion that comes back after a loss of power is no gap and no record" {
            val log = six()
            val first = log.store.bytes(1)
            log.checkpoint(4).kill()
            log.store.replace(1, first)
            log.reopen().records() shouldBe listOf(5L, 6L).map(::largeRecord)
        }

        "a deletion that fails is an error, the prefix is dropped all the same, and the next checkpoint tries again" {
            val log = six()
            log.store.fail("delete 1")
            shouldThrow<IOException> { log.checkpoint(4) }.message shouldBe "the medium failed"
            log.store.heal()
            log.wal.firstLsn() shouldBe 5
            log.write("g").records() shouldBe listOf(5L, 6L).map(::largeRecord) + "g"
            log.wal.checkpoint(4) shouldBe 2
            log.sequences().first() shouldBe 3
        }

        "segments are deleted oldest first" {
            val log = LogFixture().writeLarge(8).sync().checkpoint(8)
            log.store.calls.filter { it.startsWith("delete") } shouldBe listOf("delete 1", "delete 2", "delete 3")
        }

        "every record from the cut on comes back after any cut" {
            for (cut in 1L..8L) {
                val log = LogFixture().writeLarge(8).sync().checkpoint(cut).reopen()
                withClue("cut at $cut") { log.records() shouldBe (cut + 1..8).map(::largeRecord) }
            }
        }

        "a head that was torn before anything was deleted leaves the records it would have dropped" {
            val whole = six()
            val end = whole.store.bytes(3).size
            val others = listOf(1L, 2L).associateWith { whole.store.bytes(it) }
            val head = whole.checkpoint(1).store.bytes(3)
            for (size in end..head.size) {
                val store = WatchedStore()
                (others + (3L to head.copyOf(size))).forEach(store::replace)
                val log = LogFixture(store)
                val first = if (size == head.size) 2L else 1L
                withClue("cut at $size of ${head.size}") { log.records() shouldBe (first..6).map(::largeRecord) }
            }
        }

        "a head that is damaged after segments were deleted loses no live record: opening is refused" {
            val log = six().checkpoint(4)
            val head = log.frames(3).last { it.kind == Format.HEAD }
            log.flip(3, head.position + Format.FRAME_HEADER_BYTES).kill()
            val before = log.image()
            shouldThrow<WalCorruptedException> { log.reopen() }.segment() shouldBe 2
            log.image() shouldBe before
        }

        "a head that is damaged loses nothing when a later segment knows it" {
            val log = six().checkpoint(4).rotate().write("g").sync()
            val head = log.frames(3).last { it.kind == Format.HEAD }
            log.flip(3, head.position + Format.FRAME_HEADER_BYTES).reopen()
            log.wal.firstLsn() shouldBe 5
        }

        "a rotation that fails loses nothing: no record twice, and no checkpoint deletes the segment being written" {
            val log = LogFixture().writeLarge(2)
            log.store.fail("create 2", times = Int.MAX_VALUE)
            shouldThrow<WalNoSpaceException> { log.rotate() }
            log.records() shouldBe listOf(1L, 2L).map(::largeRecord)
            log.checkpoint(2).sequences() shouldBe listOf(1L)
            log.store.heal()
            log.writeLarge(1).sync().reopen().records() shouldBe listOf(largeRecord(3))
        }

        "a head is in every later segment" {
            val log = six().checkpoint(3).writeLarge(4).sync()
            log.store.frames(4).first().kind shouldBe Format.OPEN
            log.reopen().wal.firstLsn() shouldBe 4
            1L shouldBeLessThan log.wal.firstLsn()
        }
    })
