package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.io.OutputStream
import java.util.HexFormat

/** What publishing a snapshot writes and deletes, and in what order. */
class SnapshotPublishSpec :
    StringSpec({
        "with one snapshot kept the log is dropped up to it" {
            val fixture = SnapshotFixture(keep = 1).write(6)
            fixture.publish(5) shouldBe Snapshot(1, 5, 0)
            fixture.log.wal.firstLsn() shouldBe 6
            fixture.log.sequences() shouldBe listOf(3L)
        }

        "nothing is dropped before there are as many snapshots as are kept" {
            val fixture = SnapshotFixture(keep = 3).write(6)
            fixture.publish(2)
            fixture.publish(4)
            fixture.log.wal.firstLsn() shouldBe 1
            fixture.publish(6)
            fixture.log.wal.firstLsn() shouldBe 3
        }

        "the log goes on from the oldest snapshot that is kept, and older ones are deleted" {
            val fixture = SnapshotFixture(keep = 2)
            repeat(4) { fixture.write(2).publish() }
            fixture.snapshots.list() shouldBe listOf(Snapshot(3, 6, 0), Snapshot(4, 8, 0))
            fixture.log.wal.firstLsn() shouldBe 7
        }

        "the log is synced before the snapshot is written, which is durable before the prefix is dropped" {
            val fixture = SnapshotFixture(keep = 1).write(3).also { it.publish() }.write(3)
            val calls = fixture.log.store.calls
            calls.clear()
            fixture.store.before = { if (!it.startsWith("open")) calls.add("snapshot $it") }
            fixture.publish()
            calls.toList() shouldBe
                listOf("sync 3", "snapshot create 2", "append 3", "sync 3", "delete 2", "snapshot delete 1")
        }

        "a failure of any call of the log or of the snapshots before the prefix is dropped deletes nothing" {
            for (failing in listOf("sync", "content", "create", "append")) {
                val fixture = SnapshotFixture(keep = 1).write(2).also { it.publish() }.write(4)
                val before = fixture.log.sequences()
                when (failing) {
                    "create" -> fixture.store.before = { if (it.startsWith("create")) throw mediumError() }
                    "content" -> Unit
                    else -> fixture.log.store.fail(failing, times = Int.MAX_VALUE)
                }
                withClue(failing) {
                    shouldThrow<IOException> {
                        fixture.snapshots.publish(6) {
                            if (failing == "content") throw mediumError()
                            it.write(stateAfter(6).toByteArray())
                        }
                    }
                    fixture.store.snapshots().first() shouldBe 1
                    before.filterNot { it in fixture.log.sequences() } shouldBe emptyList()
                    fixture.store.before = {}
                    fixture.log.store.heal()
                    fixture.log.reopen()
                    fixture.log.wal.firstLsn() shouldBe 3
                    fixture.recover().state shouldBe stateAfter(fixture.log.wal.lastLsn())
                }
            }
        }

        "a segment that cannot be deleted keeps the older snapshots, and publishing again makes up for it" {
            val fixture = SnapshotFixture(keep = 1).write(2).also { it.publish() }.write(4)
            fixture.log.store.fail("delete")
            shouldThrow<IOException> { fixture.publish() }
            fixture.store.snapshots().toList() shouldBe listOf(1L, 2L)
            fixture.recover().state shouldBe stateAfter(6)
            fixture.log.store.heal()
            fixture.publish()
            fixture.store.snapshots().toList() shouldBe listOf(3L)
        }

        "a damaged snapshot is not counted among those that are kept" {
            val fixture = SnapshotFixture(keep = 2)
            repeat(3) { fixture.write(2).publish() }
            fixture.store.flip(3, 60)
            fixture.write(2).publish()
            fixture.log.wal.firstLsn() shouldBe 5
            fixture.store.flip(4, 60)
            fixture.recover().state shouldBe stateAfter(8)
        }

        "an LSN that the log does not have, or that is before the newest snapshot, is refused with the range" {
            val fixture = SnapshotFixture().write(6).also { it.publish(3) }
            shouldThrow<IllegalArgumentException> { fixture.publish(2) }.message shouldBe "lsn is 2, expected 3 to 6"
            shouldThrow<IllegalArgumentException> { fixture.publish(7) }
            shouldThrow<IllegalArgumentException> { Snapshots.of(fixture.log.wal, fixture.store, 0) }
            fixture.store.snapshots().toList() shouldBe listOf(1L)
        }

        "records that are only buffered are synced before a snapshot contains them" {
            val fixture = SnapshotFixture(keep = 5)
            fixture.log.buffer(largeRecord(1))
            fixture.publish()
            fixture.log.wal.durableLsn() shouldBe 1
        }

        "the same content gives the same bytes" {
            val images = List(2) {
                SnapshotFixture().write(3).run {
                    publish()
                    store.bytes(1).toList()
                }
            }
            images[0] shouldBe images[1]
        }

        "a snapshot has the bytes that docs/format.md says" {
            val fixture = SnapshotFixture().write(3)
            fixture.log.truncateAfter(2)
            fixture.snapshots.publish(2) { it.write("state".toByteArray()) }
            HexFormat.of().formatHex(fixture.store.bytes(1)) shouldBe
                "4b57534e0d0a1a0a" + "01000000" + "30000000" + "00000000" + "00000000" + // magic, version, features
                "0200000000000000" + "0100000000000000" + "00000000" + "0cc91242" + // LSN, epoch, checksum
                "7374617465" + "0500000000000000" + "b2d64fa3" // content, its length, checksum
        }

        "content that closes its stream, or writes byte by byte, is whole; one that writes later is told" {
            val fixture = SnapshotFixture().write(1)
            var kept: OutputStream? = null
            fixture.snapshots.publish(1) { target ->
                kept = target
                target.use { out -> stateAfter(1).toByteArray().forEach { out.write(it.toInt()) } }
            }
            shouldThrow<IOException> { kept?.write(1) }
            fixture.recover().state shouldBe stateAfter(1)
        }

        "a truncation deletes the snapshots that contain what it gives up, and no others" {
            val fixture = SnapshotFixture(keep = 9).write(6)
            listOf(2L, 4L, 6L).forEach { fixture.publish(it) }
            fixture.snapshots.truncateAfter(4)
            fixture.snapshots.list().map { it.lsn() } shouldBe listOf(2L, 4L)
            fixture.log.reopen().write("other")
            fixture.recover().run { snapshot?.lsn() shouldBe 4 }
            fixture.recover().state shouldBe stateAfter(4) + "other\n"
        }

        "a truncation that would leave records that no snapshot contains is refused and changes nothing" {
            val fixture = SnapshotFixture(keep = 1).write(6).also { it.publish(4) }
            fixture.store.flip(1, 60)
            shouldThrow<WalSnapshotException> { fixture.snapshots.truncateAfter(5) }
            fixture.log.wal.lastLsn() shouldBe 6
            fixture.store.snapshots().toList() shouldBe listOf(1L)
        }
    })
