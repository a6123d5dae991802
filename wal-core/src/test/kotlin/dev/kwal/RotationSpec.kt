package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainInOrder
import io.kotest.matchers.comparables.shouldBeLessThan
import io.kotest.matchers.shouldBe
import java.time.Duration

/** How one segment follows another. */
class RotationSpec :
    StringSpec({
        "a log that rotates with every record keeps them all in order" {
            val log = LogFixture()
            val written = List(300) { "r$it" }
            written.forEach { log.write(it).rotate() }
            log.records() shouldBe written
            log.sync().reopen().records() shouldBe written
        }

        "an empty segment is not rotated: no new one, nothing written" {
            val log = LogFixture().write("a").rotate()
            val before = log.image()
            log.rotate().rotate()
            log.image() shouldBe before
        }

        "a new log is not rotated" {
            LogFixture().rotate().rotate().sequences().size shouldBe 0
        }

        "a rotation by hand makes everything before it durable" {
            LogFixture().write("a", "b").rotate().wal.durableLsn() shouldBe 2
        }

        "a rotated segment is sealed, and its successor is not" {
            LogFixture().write("a").rotate().wal.segments().map { it.sealed } shouldBe listOf(true, false)
        }

        "a segment is synced to its end before its successor's first frame is written" {
            val log = LogFixture().writeLarge(5)
            log.store.calls.filter { it == "sync 1" || it == "append 2" }.takeWhile { it != "append 2" }.last() shouldBe
                "sync 1"
            val lastWriteTo1 = log.store.calls.lastIndexOf("append 1")
            val lastSyncOf1 = log.store.calls.lastIndexOf("sync 1")
            lastWriteTo1 shouldBeLessThan lastSyncOf1
            lastSyncOf1 shouldBeLessThan log.store.calls.indexOf("append 2")
        }

        "one sync after three rotations leaves no segment unsynced" {
            val log = LogFixture().writeLarge(8).sync()
            for (sequence in log.sequences()) {
                val writes = log.store.calls.lastIndexOf("append $sequence")
                val syncs = log.store.calls.lastIndexOf("sync $sequence")
                writes shouldBeLessThan syncs
            }
            log.wal.segments().size shouldBe 4
        }

        "a group that crosses a rotation is durable in both segments when its sync returns" {
            val log = LogFixture().buffer("a", "b", largeRecord(3), largeRecord(4), largeRecord(5))
            log.sync()
            log.store.calls.shouldContainInOrder("append 1", "sync 1", "append 2", "sync 2")
            log.wal.durableLsn() shouldBe 5
        }

        "a late record in the old segment is covered by its own sync, whoever syncs the new one" {
            val log = LogFixture().write("a")
            val gate = log.store.stopAt("append 1")
            val late = running { log.wal.append(largeRecord(2).toByteArray()) }
            gate.awaitSomebody()
            val others = running { log.writeLarge(3).sync() }
            gate.open()
            late.result()
            others.result()
            log.wal.sync(2)
            val lateWrite = log.store.calls.lastIndexOf("append 1")
            lateWrite shouldBeLessThan log.store.calls.lastIndexOf("sync 1")
        }

        "a segment older than its age is rotated by the next append" {
            val log = LogFixture(options = SMALL_SEGMENTS.withSegmentAge(Duration.ofNanos(1)))
            log.write("a", "b", "c").wal.segments().size shouldBe 3
        }

        "a segment without an age limit stays" {
            LogFixture().write("a", "b", "c").wal.segments().size shouldBe 1
        }

        "an empty segment is not rotated for its age" {
            val log = LogFixture(options = SMALL_SEGMENTS.withSegmentAge(Duration.ofNanos(1)))
            log.write("a").rotate().write("b").wal.segments().size shouldBe 2
        }

        "the next segment is prepared ahead, in the background" {
            val log = LogFixture().writeLarge(2)
            log.sequences() shouldBe listOf(1L)
            log.background.run()
            log.sequences() shouldBe listOf(1L, 2L)
            val creations = log.store.calls.count { it == "create 2" }
            log.writeLarge(1)
            log.store.calls.count { it == "create 2" } shouldBe creations
        }

        "a segment that was prepared and not used is gone after close, and after a crash and an open" {
            LogFixture().writeLarge(2).apply { background.run() }.close().sequences() shouldBe listOf(1L)
            val log = LogFixture().writeLarge(2).sync().apply { background.run() }.reopen()
            log.records().size shouldBe 2
            log.writeLarge(3).sync().reopen().records().size shouldBe 5
        }

        "sizes and segments tell what there is" {
            val log = LogFixture().writeLarge(3)
            log.wal.segments().map { it.baseLsn to it.lastLsn } shouldBe listOf(1L to 2L, 3L to 3L)
            log.wal.sizeBytes() shouldBe log.wal.segments().sumOf { it.bytes }
        }

        "a rotation after close is refused" {
            shouldThrow<WalClosedException> { LogFixture().write("a").close().rotate() }
        }
    })
