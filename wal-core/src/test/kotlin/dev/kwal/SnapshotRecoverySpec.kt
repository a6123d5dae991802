package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException
import java.time.Instant

/** What comes back from snapshots and log, and when nothing does. */
class SnapshotRecoverySpec :
    StringSpec({
        "without a snapshot the state is that of the whole log" {
            SnapshotFixture().recover().state shouldBe ""
            SnapshotFixture().write(3).recover() shouldBe
                SnapshotRecovery.Recovered(stateAfter(3), 3, null, 3, emptyList())
        }

        "the newest snapshot is restored and only the records behind it are applied" {
            val fixture = SnapshotFixture().write(2).also { it.publish() }.write(2).also { it.publish() }.write(3)
            val recovered = fixture.recover()
            recovered.state shouldBe stateAfter(7)
            recovered.snapshot shouldBe Snapshot(2, 4, 0)
            recovered.records shouldBe 3
        }

        "how often snapshots are published makes no difference to what comes back" {
            for (cadence in listOf(1, 2, 3, 5, 50)) {
                for (keep in 1..3) {
                    val fixture = SnapshotFixture(keep = keep)
                    repeat(12) { if (fixture.write(1).log.wal.lastLsn() % cadence == 0L) fixture.publish() }
                    fixture.log.close().reopen()
                    withClue("every $cadence records, $keep kept") { fixture.recover().state shouldBe stateAfter(12) }
                }
            }
        }

        "a snapshot that no publication ended is whole, and used" {
            val fixture = SnapshotFixture(keep = 1).write(4)
            fixture.log.store.fail("append")
            shouldThrow<IOException> { fixture.publish() }
            fixture.log.store.heal()
            fixture.log.reopen()
            fixture.recover().snapshot shouldBe Snapshot(1, 4, 0)
            fixture.recover().state shouldBe stateAfter(4)
        }

        "a damaged snapshot is passed over for the one before, and named" {
            val fixture = SnapshotFixture(keep = 2)
            repeat(3) { fixture.write(2).publish() }
            fixture.store.flip(3, 50)
            val recovered = fixture.recover()
            recovered.state shouldBe stateAfter(6)
            recovered.snapshot?.sequence() shouldBe 2
            recovered.passedOver.single().message shouldContain "snapshot 3: checksum is"
        }

        "whichever bit of a snapshot is flipped, its content is never restored" {
            val fixture = SnapshotFixture(keep = 2)
            fixture.log.write("a")
            fixture.snapshots.publish(1) { it.write("a\n".toByteArray()) }
            val size = fixture.store.bytes(1).size
            for (position in 0 until size) {
                for (bit in 0 until Byte.SIZE_BITS) {
                    fixture.store.flip(1, position, bit)
                    val recovered = fixture.recover()
                    withClue("bit $bit of byte $position") {
                        recovered.snapshot shouldBe null
                        recovered.passedOver shouldHaveSize 1
                        recovered.state shouldBe "a\n"
                    }
                    fixture.store.flip(1, position, bit)
                }
            }
            fixture.recover().snapshot?.sequence() shouldBe 1
        }

        "a snapshot of any other length is damaged" {
            val fixture = SnapshotFixture(keep = 2).write(1).also { it.publish() }
            val whole = fixture.store.bytes(1)
            for (length in (0..whole.size + 20) - whole.size) {
                fixture.store.edit(1) { whole.copyOf(length) }
                withClue("$length bytes") { fixture.recover().snapshot shouldBe null }
            }
        }

        "a missing or damaged snapshot whose records were dropped is refused, not a gap" {
            for (harm in listOf<(WatchedSnapshots) -> Unit>({ it.lose(1) }, { it.flip(1, 50) }, { it.flip(1, 3) })) {
                val fixture = SnapshotFixture(keep = 1).write(6).also { it.publish(4) }
                harm(fixture.store)
                val refused = shouldThrow<WalSnapshotException> { fixture.recover() }
                refused.lsn() shouldBe 1
                refused.message shouldBe "snapshots: records 1 to 4 are missing: no whole snapshot contains them, " +
                    "and the log begins with 5"
                refused.suppressed.size shouldBe if (fixture.store.snapshots().isEmpty()) 0 else 1
            }
        }

        "an older snapshot from which the log does not go on is refused, with the first record that is missing" {
            val fixture = SnapshotFixture(keep = 9).write(6)
            fixture.publish(2)
            fixture.publish(5)
            fixture.log.checkpoint(5)
            fixture.store.flip(2, 50)
            shouldThrow<WalSnapshotException> { fixture.recover() }.lsn() shouldBe 3
        }

        "a snapshot of more records than the log has is refused" {
            val longer = SnapshotFixture(keep = 9).write(6).also { it.publish(2) }.also { it.publish(6) }
            val log = LogFixture().writeLarge(4)
            val recovery = Snapshots.of(log.wal, longer.store).recovery()
            val refused = shouldThrow<WalSnapshotException> { recovery.recoverText() }
            refused.lsn() shouldBe 5
            refused.message shouldContain "snapshot 2 contains records up to 6, but the log ends with 4"
        }

        "a log is not opened when it ends before what a snapshot contains" {
            val longer = SnapshotFixture(keep = 9).write(6).also { it.publish() }
            val log = LogFixture().writeLarge(4).close()
            shouldThrow<WalCorruptedException> { Snapshots.openLog(log.store, SMALL_SEGMENTS, longer.store) }
            longer.log.close()
            Snapshots.openLog(longer.log.store, SMALL_SEGMENTS, longer.store).use { it.lastLsn() shouldBe 6 }
        }

        "a snapshot of records that the log itself gave up is not used" {
            val fixture = SnapshotFixture(keep = 9).write(6).also { it.publish(2) }.also { it.publish(5) }
            fixture.log.truncateAfter(3).write("x", "y", "z")
            for (isReopened in listOf(false, true)) {
                if (isReopened) fixture.log.reopen()
                val recovered = fixture.recover()
                recovered.state shouldBe stateAfter(3) + "x\ny\nz\n"
                recovered.snapshot?.lsn() shouldBe 2
                recovered.passedOver.single().message shouldContain "given up"
            }
        }

        "any record can be the last, with the newest snapshot before it" {
            val fixture = SnapshotFixture(keep = 9).write(7)
            fixture.publish(2)
            fixture.publish(5)
            for (until in 0L..9L) {
                val recovered = fixture.recover { it.withUntilLsn(until) }
                withClue("until $until") {
                    recovered.state shouldBe stateAfter(minOf(until, 7))
                    recovered.lsn shouldBe minOf(until, 7)
                    (recovered.snapshot?.lsn() ?: 0) shouldBe listOf(0L, 2L, 5L).last { it <= until }
                }
            }
            shouldThrow<IllegalArgumentException> { fixture.recover { it.withUntilLsn(-1) } }
        }

        "any moment can be the last, with the newest snapshot before it" {
            var millis = 1000L
            val dated = SMALL_SEGMENTS.withClock { Instant.ofEpochMilli(millis++ / 2) }
            val fixture = SnapshotFixture(LogFixture(options = dated), keep = 9).write(7)
            fixture.publish(2)
            fixture.publish(5)
            val times = fixture.log.wal.replay(0).use { cursor ->
                buildList { while (cursor.next()) add(cursor.timestampMillis()) }
            }
            for (until in times.first() - 1..times.last() + 1) {
                val moment = Instant.ofEpochMilli(until).plusNanos(999_999)
                val recovered = fixture.recover { it.withUntilTime(moment) }
                withClue("until $until") {
                    recovered.lsn shouldBe times.count { it <= until }.toLong()
                    recovered.state shouldBe stateAfter(recovered.lsn)
                    (recovered.snapshot?.lsn() ?: 0) shouldBe listOf(0L, 2L, 5L).last { it <= recovered.lsn }
                }
                fixture.recover { it.withUntilTime(moment).withUntilLsn(3) }.lsn shouldBe minOf(3, recovered.lsn)
            }
        }

        "a moment of which the log has no record any more is refused, whatever snapshots there are" {
            var millis = 1000L
            val dated = SMALL_SEGMENTS.withClock { Instant.ofEpochMilli(millis++) }
            val fixture = SnapshotFixture(LogFixture(options = dated), keep = 9).write(8)
            fixture.publish(4)
            fixture.log.checkpoint(4)
            fixture.recover { it.withUntilTime(Instant.ofEpochMilli(1005)) }.lsn shouldBe 6
            shouldThrow<WalSnapshotException> { fixture.recover { it.withUntilTime(Instant.ofEpochMilli(1001)) } }
            fixture.publish(8)
            fixture.log.checkpoint(8)
            shouldThrow<WalSnapshotException> { fixture.recover { it.withUntilTime(Instant.ofEpochMilli(1001)) } }
            fixture.recover().lsn shouldBe 8
        }

        "the beginning of time and its end are moments, too" {
            val dated = SMALL_SEGMENTS.withClock { Instant.ofEpochMilli(0) }
            val fixture = SnapshotFixture(LogFixture(options = dated)).write(3)
            fixture.recover { it.withUntilTime(Instant.MAX) }.lsn shouldBe 3
            fixture.recover { it.withUntilTime(Instant.EPOCH) }.lsn shouldBe 3
            fixture.recover { it.withUntilTime(Instant.EPOCH.minusMillis(1)) }.lsn shouldBe 0
            fixture.recover { it.withUntilTime(Instant.MIN) }.lsn shouldBe 0
        }

        "damage behind the last moment asked for does not matter" {
            var millis = 1L
            val dated = SMALL_SEGMENTS.withClock { Instant.ofEpochMilli(millis++) }
            val fixture = SnapshotFixture(LogFixture(options = dated), keep = 9).write(8).also { it.publish(2) }
            fixture.log.sync().flipByteOf(largeRecord(6))
            fixture.recover { it.withUntilTime(Instant.ofEpochMilli(4)) }.state shouldBe stateAfter(4)
            shouldThrow<WalCorruptedException> { fixture.recover { it.withUntilTime(Instant.ofEpochMilli(6)) } }
        }

        "damage behind the last record asked for is not read" {
            val fixture = SnapshotFixture(keep = 9).write(8).also { it.publish(2) }
            fixture.log.sync().flipByteOf(largeRecord(5))
            fixture.recover { it.withUntilLsn(4) }.state shouldBe stateAfter(4)
            shouldThrow<WalCorruptedException> { fixture.recover { it.withUntilLsn(5) } }
        }

        "a last record that was dropped, and that no snapshot contains exactly, is refused" {
            val fixture = SnapshotFixture(keep = 9).write(8)
            fixture.publish(2)
            fixture.publish(6)
            fixture.log.checkpoint(6)
            fixture.recover { it.withUntilLsn(2) }.state shouldBe stateAfter(2)
            shouldThrow<WalSnapshotException> { fixture.recover { it.withUntilLsn(4) } }.lsn() shouldBe 3
            fixture.recover { it.withUntilLsn(6) }.state shouldBe stateAfter(6)
        }

        "progress is told at the start, every 1,024 records, and at the end" {
            val log = LogFixture(options = WalOptions.DEFAULT)
            repeat(2_100) { log.write("r") }
            val fixture = SnapshotFixture(log)
            fixture.snapshots.publish(10) { }
            val told = ArrayList<Pair<Long, Long>>()
            fixture.recover { it.withProgress { lsn, target -> told.add(lsn to target) } }
            told shouldBe listOf(10L, 1_034, 2_058, 2_100).map { it to 2_100L }
        }

        "what restoring or applying throws is passed on" {
            val fixture = SnapshotFixture().write(2).also { it.publish(1) }
            val error = IllegalStateException("mine")
            val recovery = fixture.snapshots.recovery()
            shouldThrow<IllegalStateException> { recovery.run({ 0 }, { throw error }, { state, _, _ -> state }) }
            shouldThrow<IllegalStateException> { recovery.run({ 0 }, { 1 }, { _, _, _ -> throw error }) }
        }

        "a snapshot that changes between its check and its restoring is refused, even if not read to its end" {
            val fixture = SnapshotFixture().write(2).also { it.publish() }
            var opened = 0
            fixture.store.before = { if (it == "open 1" && ++opened == 3) fixture.store.flip(1, 50) }
            shouldThrow<WalSnapshotException> {
                fixture.snapshots.recovery().run({ 0 }, { it.read() }, { state, _, _ -> state })
            }
        }

        "a snapshot that goes before its check is passed over, and one that goes before its restoring is refused" {
            for ((opening, isRefused) in listOf(2 to false, 3 to true)) {
                val fixture = SnapshotFixture().write(2).also { it.publish() }
                var opened = 0
                fixture.store.before = { if (it == "open 1" && ++opened == opening) fixture.store.lose(1) }
                if (isRefused) {
                    shouldThrow<WalSnapshotException> { fixture.recover() }.message shouldBe "snapshot 1: it is gone"
                } else {
                    val recovered = fixture.recover()
                    recovered.state shouldBe stateAfter(2)
                    recovered.passedOver.single().message shouldBe "snapshot 1: it is gone"
                }
            }
        }

        "a log open for reading is recovered beside its owner" {
            val fixture = SnapshotFixture(keep = 1).write(5).also { it.publish() }.write(2)
            fixture.log.sync()
            Wal.openReadOnly(fixture.log.store, SMALL_SEGMENTS).use { reader ->
                val recovered = SnapshotRecovery.of(reader, fixture.store).recoverText()
                (recovered.lsn in 5L..7L) shouldBe true
                recovered.state shouldBe stateAfter(recovered.lsn)
            }
        }
    })
