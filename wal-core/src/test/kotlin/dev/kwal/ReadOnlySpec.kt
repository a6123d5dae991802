package dev.kwal

import dev.kwal.storage.FileStore
import dev.kwal.storage.WalStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.NoSuchFileException
import java.time.Duration
import java.util.HexFormat
import kotlin.io.path.listDirectoryEntries

/** How a log is read beside its owner, or without one. */
class ReadOnlySpec :
    StringSpec({
        fun LogFixture.reader(): WalReader = Wal.openReadOnly(store, options)

        "it opens beside the owner, who goes on" {
            val log = LogFixture().write("a").sync().write("b").sync()
            val reader = log.reader()
            log.write("c").records() shouldBe listOf("a", "b", "c")
            reader.close()
            log.write("d").records().size shouldBe 4
        }

        "it creates and changes nothing" {
            val log = LogFixture().writeLarge(5).sync().write("x").sync()
            val before = log.image()
            val calls = log.store.calls.size
            log.reader().use { it.records() }
            log.image() shouldBe before
            log.store.calls.size shouldBe calls
        }

        "it creates no file in a directory, not even a lock" {
            inDirectory { directory ->
                Wal.openReadOnly(directory).use { it.records() shouldBe emptyList() }
                directory.listDirectoryEntries() shouldBe emptyList()
            }
        }

        "a directory that is not there is a clear error, and stays away" {
            inDirectory { directory ->
                val missing = directory.resolve("missing")
                shouldThrow<NoSuchFileException> { Wal.openReadOnly(missing) }.message shouldContain "$missing"
                missing.toFile().exists() shouldBe false
            }
        }

        "it delivers what the log itself proves to be durable, and nothing more" {
            val log = LogFixture().write("a").sync().write("b").sync().write("c")
            log.reader().records() shouldBe listOf("a", "b")
        }

        "after a close it delivers everything" {
            LogFixture().write("a", "b").close().reader().records() shouldBe listOf("a", "b")
        }

        "the id of a log is one for its whole life, and beside it, and no other log has it" {
            val log = LogFixture()
            val reader = log.reader()
            reader.logId() shouldBe null
            val id = log.write("a").wal.logId()
            log.rotate().write("b").checkpoint(1).sync()
            reader.read(2).text() shouldBe "b"
            reader.logId() shouldBe id
            log.close().reopen().wal.logId() shouldBe id
            LogFixture().wal.logId() shouldNotBe id
        }

        "the id of a log reads as its bytes do" {
            val log = LogFixture().write("a").close()
            val bytes = log.store.bytes(1).copyOfRange(24, 40)
            "${log.reader().logId()}".replace("-", "") shouldBe HexFormat.of().formatHex(bytes)
        }

        "a frame behind a damaged mark vouches for the records before it" {
            val log = LogFixture().write("a", "b").reopen().write("c")
            val mark = log.frames().single { it.kind == Format.MARK }
            log.flip(mark.sequence, mark.position + 30)
            log.reader().use { reader ->
                reader.records() shouldBe listOf("a", "b")
                reader.recovery().end() shouldBe RecoveryReport.End.TORN
                reader.recovery().provenDurableLsn() shouldBe 2
            }
            log.reopen().records() shouldBe listOf("a", "b")
        }

        "a bad tail is not yet, and not torn away" {
            val log = LogFixture().write("a").sync().write("b", "c").cut(3)
            val before = log.image()
            log.reader().records() shouldBe listOf("a")
            log.image() shouldBe before
        }

        "damage in synced data is corruption for a reader, too" {
            val log = LogFixture().write("a", "b").close().flipByteOf("a")
            shouldThrow<WalCorruptedException> { log.reader() }.lsn() shouldBe 1
        }

        "it follows what becomes durable" {
            val log = LogFixture().write("a").sync()
            val cursor = log.reader().follow(0)
            log.write("b").sync()
            cursor.text() shouldBe "a"
            cursor.text() shouldBe null
            log.write("c").sync()
            cursor.text() shouldBe "b"
        }

        "an idle mark lets it see everything" {
            val log = LogFixture().write("a", "b").sync()
            val cursor = log.reader().follow(0)
            cursor.text() shouldBe null
            log.tick().tick()
            listOf(cursor.text(), cursor.text()) shouldBe listOf("a", "b")
        }

        "it waits for what becomes durable" {
            val log = LogFixture().write("a").sync()
            val cursor = log.reader().follow(0)
            val next = running { cursor.next() }
            awaitUntil { next.isWaiting }
            log.write("b").sync().close()
            next.result() shouldBe true
            cursor.record().text() shouldBe "a"
        }

        "it sees rotations" {
            val log = LogFixture().write("a").sync()
            val cursor = log.reader().follow(0)
            log.rotate().write("b").rotate().write("c").close()
            List(4) { cursor.text() } shouldBe listOf("a", "b", "c", null)
        }

        "it knows only synced records" {
            shouldThrow<IllegalArgumentException> {
                LogFixture().reader().follow(0, Durability.WRITTEN)
            }.message shouldBe
                "level is WRITTEN, a read-only log knows SYNCED only"
        }

        "it is told when its segment was deleted" {
            val log = LogFixture().writeLarge(6).close().reopen()
            val reader = log.reader()
            val cursor = reader.replay(1)
            cursor.next() shouldBe true
            log.checkpoint(5).write("x").sync()
            shouldThrow<WalGoneException> { cursor.texts() }
        }

        "it is told when the records it asks for were dropped" {
            val reader = LogFixture().writeLarge(6).checkpoint(3).close().reader()
            reader.firstLsn() shouldBe 4
            shouldThrow<WalGoneException> { reader.read(3) }.lsn() shouldBe 3
            shouldThrow<WalGoneException> { reader.replay(1) }
        }

        "it sees a truncation, and what came behind it" {
            val log = LogFixture().write("a", "b", "c").sync().write("d").sync()
            val reader = log.reader()
            reader.records() shouldBe listOf("a", "b", "c")
            log.truncateAfter(1).write("B").close()
            reader.records() shouldBe listOf("a", "B")
        }

        "a follower that was cut behind its back is told, though the segment with the cut is gone" {
            val log = LogFixture().write("a", "b", "c").sync().write("d").sync()
            val cursor = log.reader().follow(0)
            List(3) { cursor.text() } shouldBe listOf("a", "b", "c")
            log.truncateAfter(1).write("B", "C").rotate().write("D").sync().checkpoint(3).write("E").sync()
            shouldThrow<WalGoneException> { cursor.text() }.lsn() shouldBe 4
        }

        "a cursor whose next segment was given up is told so, and not of damage" {
            for (follows in listOf(false, true)) {
                val log = LogFixture().write("a").rotate().write("b", "c").sync().write("d").sync()
                val reader = log.reader()
                val cursor = if (follows) reader.follow(0) else reader.replay(0)
                cursor.text() shouldBe "a"
                log.truncateAfter(1)
                if (follows) log.write("B").sync().write("C").sync()
                cursor.text() shouldBe if (follows) "B" else null
            }
        }

        "reading one record that was given up says so" {
            val log = LogFixture().write("a").rotate().write("b", "c").sync().write("d").sync()
            val reader = log.reader()
            reader.read(2).text() shouldBe "b"
            log.truncateAfter(1)
            shouldThrow<WalGoneException> { reader.read(2) }.lsn() shouldBe 2
        }

        "it tells the epoch" {
            val log = LogFixture().write("a", "b").sync().truncateAfter(1).write("c").close()
            log.reader().epoch() shouldBe 1
        }

        "its ranges are those of what is durable" {
            val reader = LogFixture().write("a", "b").close().reader()
            listOf(reader.firstLsn(), reader.lastLsn(), reader.durableLsn()) shouldBe listOf(1L, 2L, 2L)
            shouldThrow<IllegalArgumentException> { reader.read(3) }.message shouldBe "lsn is 3, expected 1 to 2"
            shouldThrow<IllegalArgumentException> { reader.replay(4) }
            reader.segments().map { it.lastLsn } shouldBe listOf(2L)
            reader.recovery().end() shouldBe RecoveryReport.End.CLEAN
        }

        "after close it is refused, and what waits ends" {
            val log = LogFixture().write("a").sync()
            val reader = log.reader()
            val cursor = reader.follow(0)
            val next = running { cursor.next() }
            awaitUntil { next.isWaiting }
            reader.close()
            reader.close()
            next.result() shouldBe false
            shouldThrow<WalClosedException> { reader.replay(0) }
            shouldThrow<WalClosedException> { reader.follow(0) }
        }

        "a time limit ends its wait" {
            LogFixture().reader().follow(0).next(Duration.ofNanos(1)) shouldBe false
        }

        "it follows a log from before its first segment" {
            val store: WalStore = WatchedStore()
            val cursor = Wal.openReadOnly(store, SMALL_SEGMENTS).follow(0)
            cursor.text() shouldBe null
            LogFixture(store).write("a").close()
            cursor.text() shouldBe "a"
        }

        "it opens beside an owner that works, again and again, and reads a prefix each time" {
            inDirectory { directory ->
                val owner = LogFixture(FileStore.of(directory))
                val work = running {
                    for (lsn in 1L..400L) {
                        owner.writeLarge(1)
                        if (lsn % 5 == 0L) owner.sync()
                        if (lsn % 60 == 0L) owner.checkpoint(lsn - 20)
                    }
                }
                while (!work.isDone) {
                    try {
                        Wal.openReadOnly(owner.store, owner.options).use { reader ->
                            reader.replay(0).use { cursor ->
                                while (cursor.next()) cursor.record().text() shouldBe largeRecord(cursor.lsn())
                            }
                        }
                    } catch (_: WalGoneException) {
                        continue
                    }
                }
                work.result()
                owner.close()
            }
        }
    })
