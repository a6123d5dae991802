package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe

/** How a suffix is given up. Six large records stand two to a segment. */
class TruncationSpec :
    StringSpec({
        fun six() = LogFixture().writeLarge(6).sync()

        "after the last record it does nothing" {
            val log = six()
            val before = log.image()
            log.truncateAfter(6)
            log.image() shouldBe before
            log.wal.epoch() shouldBe 0
        }

        "any suffix can be given up, in a segment and across segments, and stays so after a crash" {
            for (last in 0L..5L) {
                val log = six().truncateAfter(last)
                withClue("after $last") {
                    log.records() shouldBe (1..last).map(::largeRecord)
                    log.reopen().records() shouldBe (1..last).map(::largeRecord)
                    log.wal.lastLsn() shouldBe last
                }
            }
        }

        "LSNs go on behind the cut, and the new records are the ones that come back" {
            val log = six().truncateAfter(3)
            log.wal.append("new".toByteArray()) shouldBe 4
            log.sync().reopen().records() shouldBe (1L..3L).map(::largeRecord) + "new"
        }

        "a truncation is durable on return, and so is its epoch" {
            val log = six().truncateAfter(3)
            log.wal.durableLsn() shouldBe 3
            log.wal.epoch() shouldBe 1
            log.reopen().wal.epoch() shouldBe 1
            log.truncateAfter(1).reopen().wal.epoch() shouldBe 2
        }

        "an LSN out of range is refused with the range" {
            val log = six().checkpoint(2)
            shouldThrow<IllegalArgumentException> { log.truncateAfter(7) }.message shouldBe "lsn is 7, expected 2 to 6"
            shouldThrow<IllegalArgumentException> { log.truncateAfter(1) }
            shouldThrow<IllegalArgumentException> { log.truncateAfter(-1) }
            log.records().size shouldBe 4
        }

        "everything can be given up, and the log begins again where it began" {
            val log = six().truncateAfter(0)
            log.records() shouldBe emptyList()
            log.wal.append("one".toByteArray()) shouldBe 1
            log.sync().reopen().records() shouldBe listOf("one")
        }

        "everything behind a checkpoint can be given up" {
            val log = six().checkpoint(3).truncateAfter(3)
            log.wal.firstLsn() to log.wal.lastLsn() shouldBe (4L to 3L)
            log.write("d").sync().reopen().records() shouldBe listOf("d")
        }

        "records that are still buffered are given up too" {
            LogFixture().write("a").buffer("b").truncateAfter(1).records() shouldBe listOf("a")
        }

        "what was given up is no proof of anything when the log ends behind it" {
            val log = LogFixture().write(
                "a",
                "b",
            ).sync().write("c").sync().truncateAfter(1).write("B").sync().write("C")
            log.cut(4).reopen().records() shouldBe listOf("a", "B")
        }

        "a truncation that is cut short at any byte has happened or has not" {
            val whole = LogFixture().write("a", "b", "c").sync()
            val before = whole.store.bytes(1)
            whole.truncateAfter(1)
            val cut = whole.store.bytes(2)
            for (size in 0..cut.size) {
                val store = WatchedStore()
                store.replace(1, before)
                store.replace(2, cut.copyOf(size))
                val log = LogFixture(store)
                withClue("$size of ${cut.size} bytes") {
                    log.records() shouldBe if (log.wal.epoch() == 1L) listOf("a") else listOf("a", "b", "c")
                }
            }
        }

        "segments that hold only what was given up are deleted" {
            val log = six().truncateAfter(1)
            log.sequences() shouldBe listOf(1L, 4L)
        }

        "a segment of the suffix that comes back after a loss of power is dead" {
            val log = six()
            val third = log.store.bytes(3)
            log.truncateAfter(1).write("new").sync().kill()
            log.store.replace(3, third)
            log.reopen().records() shouldBe listOf(largeRecord(1), "new")
        }

        "a segment that cannot be prepared fails the truncation, and nothing is given up" {
            val log = six()
            log.store.fail("create", times = Int.MAX_VALUE)
            shouldThrow<WalNoSpaceException> { log.truncateAfter(1) }
            log.records().size shouldBe 6
            log.store.heal()
            log.write("seven").sync().reopen().records().size shouldBe 7
        }

        "truncations and checkpoints can follow each other" {
            val log = six().truncateAfter(4).checkpoint(2).truncateAfter(3).write("d").checkpoint(3).reopen()
            log.records() shouldBe listOf("d")
            log.wal.epoch() shouldBe 2
        }
    })
