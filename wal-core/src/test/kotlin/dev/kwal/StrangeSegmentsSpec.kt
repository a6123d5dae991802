package dev.kwal

import dev.kwal.storage.FileStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException
import kotlin.io.path.createDirectory
import kotlin.io.path.readText
import kotlin.io.path.writeText

/** Segments that are not of this log, this place or this version are refused, and stay as they are. */
class StrangeSegmentsSpec :
    StringSpec({
        fun LogFixture.shouldRefuse(): WalException {
            kill()
            val before = image()
            val refusal = shouldThrow<WalException> { reopen() }
            image() shouldBe before
            return refusal
        }

        fun twoSegments() = LogFixture().write("a").rotate().write("b").sync()

        "text in the place of a segment is refused and stays" {
            val log = LogFixture().write("a").close()
            log.edit(1) { "some text that somebody keeps here, longer than a header of this log is".toByteArray() }
            val refusal = log.shouldRefuse()
            (refusal as WalFormatException).segment() shouldBe 1
            refusal.message shouldContain "magic"
        }

        "short text in the place of a segment is not taken for an empty log" {
            val log = LogFixture(WatchedStore().also { it.replace(1, "note".toByteArray()) })
            log.store.bytes(1).decodeToString() shouldBe "note"
        }

        "a newer version is refused by its number and stays" {
            val log = twoSegments().edit(2) { bytes -> withHeader(bytes) { it.putInt(8, 2) } }
            log.shouldRefuse().message shouldBe "memory store: segment 2: format version 2, expected 1"
        }

        "one segment without a header is an unfinished creation, and reported" {
            val log = LogFixture().writeLarge(4).close()
            val newest = log.sequences().last()
            log.edit(newest) { ByteArray(0) }.reopen()
            log.records() shouldBe listOf(largeRecord(1), largeRecord(2))
            log.report.end shouldBe RecoveryReport.End.TORN
            log.report.tornSegment shouldBe newest
        }

        "several segments without a header are damage, whichever they are and however many" {
            val segments = LogFixture().writeLarge(10).close().sequences()
            for (kept in 0..segments.size - 2) {
                val log = LogFixture().writeLarge(10).close()
                segments.drop(kept).forEach { log.edit(it) { ByteArray(0) } }
                withClue("segments $segments, the first $kept kept") {
                    (log.shouldRefuse() as WalCorruptedException).message shouldContain "no header"
                }
            }
        }

        "zeros in the place of a header are damage" {
            val log = LogFixture().write("a").close()
            log.edit(1) { ByteArray(it.size) }
            (log.shouldRefuse() as WalCorruptedException).message shouldContain "the header is damaged"
        }

        "version 0 is refused like any that is unknown" {
            twoSegments().edit(1) { bytes -> withHeader(bytes) { it.putInt(8, 0) } }.shouldRefuse()
                .message shouldContain "version 0"
        }

        "old segments followed by those of an unknown version are not read in part" {
            val log = twoSegments().edit(2) { bytes -> withHeader(bytes) { it.putInt(8, 99) } }
            log.shouldRefuse()::class shouldBe WalFormatException::class
        }

        "an unknown required feature is refused" {
            twoSegments().edit(2) { bytes -> withHeader(bytes) { it.putInt(16, 1 shl 7) } }.shouldRefuse()
                .message shouldContain "0x80"
        }

        "an unknown codec or key is refused" {
            twoSegments().edit(1) { bytes -> withHeader(bytes) { it.putShort(56, 3) } }.shouldRefuse()
                .message shouldContain "codec"
        }

        "an unknown optional feature is no hindrance" {
            val header = withHeader(CraftedSegment(SegmentHeader.ofNewLog(1)).bytes()) { it.putInt(20, 1) }
            val store = WatchedStore().also { it.replace(1, header) }
            LogFixture(store).write("a").sync().reopen().records() shouldBe listOf("a")
        }

        "a segment of another log is refused" {
            val other = twoSegments()
            val log = twoSegments().edit(2) { other.store.bytes(2) }
            log.shouldRefuse().message shouldContain "another log"
        }

        "a renamed segment is refused" {
            val log = twoSegments()
            val second = log.store.bytes(2)
            log.store.delete(2)
            log.store.replace(3, second)
            log.shouldRefuse().message shouldContain "its header says segment 2"
        }

        "two segments that changed their names are refused" {
            val log = twoSegments()
            val first = log.store.bytes(1)
            val second = log.store.bytes(2)
            log.store.replace(1, second)
            log.store.replace(2, first)
            (log.shouldRefuse() as WalCorruptedException).segment() shouldBe 1
        }

        "a segment that is there twice is refused" {
            val log = twoSegments()
            log.store.replace(3, log.store.bytes(2))
            log.shouldRefuse().message shouldContain "its header says segment 2"
        }

        "a segment from before a truncation that is put back is dead" {
            val log = LogFixture().write("a").rotate().write("b").sync()
            val older = log.store.bytes(2)
            log.truncateAfter(1).write("B").close()
            log.store.replace(2, older)
            log.reopen().records() shouldBe listOf("a", "B")
        }

        "an older copy of the last segment is found by what the snapshot says" {
            val log = LogFixture().write("a").sync()
            val older = log.store.bytes(1)
            log.write("b").sync().edit(1) { older }
            shouldThrow<WalCorruptedException> { log.reopen { it.withExpectAtLeast(2) } }.lsn() shouldBe 2
            log.store.bytes(1).toList() shouldBe older.toList()
        }

        "an older copy of a segment that others follow is refused" {
            val log = LogFixture().write("a").sync()
            val older = log.store.bytes(1)
            log.writeLarge(3).sync()
            log.edit(1) { older }.shouldRefuse().message shouldContain "cut off"
        }

        "an older use of the same name is refused" {
            val log = twoSegments().writeLarge(3).sync()
            val header = checkNotNull(headerIn(log.store.bytes(2)))
            val reused = header.successor(2)
            log.edit(2) { CraftedSegment(reused).open(2).record(2, "x").bytes() + ByteArray(4000) }
            log.shouldRefuse().message shouldContain "not the segment that segment 3 follows"
        }

        "what an earlier use of the same name left behind the end is no record" {
            val log = twoSegments()
            val end = log.store.bytes(2).size
            val earlier = CraftedSegment(log.store.header(2).successor(2)).open(2).record(2, "b").record(3, "stale")
            val stale = earlier.bytes().let { it.copyOfRange(end, it.size) }
            log.edit(2) { it + stale }.reopen().records() shouldBe listOf("a", "b")
        }

        "segments are ordered by number, not by name" {
            val log = LogFixture()
            repeat(12) { log.write("r$it").rotate() }
            log.close().reopen().records() shouldBe List(12) { "r$it" }
            log.wal.segments().map { it.sequence } shouldBe (1L..13L).toList()
        }

        "a sequence behind 999999 follows it" {
            val header = SegmentHeader.ofNewLog(999_999)
            val store = WatchedStore()
            store.replace(
                999_999,
                CraftedSegment(header).open(50, 50).record(50, "a", 49).mark(Format.CLOSE, 50).bytes(),
            )
            val log = LogFixture(store).rotate().write("b").close().reopen()
            log.wal.segments().map { it.sequence } shouldBe listOf(999_999L, 1_000_000L)
            log.records() shouldBe listOf("a", "b")
        }

        "foreign files and directories beside the segments are left alone" {
            inDirectory { directory ->
                val names =
                    listOf("README", "wal.log", "1.wal", "00000000000000000002.wal.bak", "0000000000000000000a.wal")
                names.forEach { directory.resolve(it).writeText("foreign $it") }
                directory.resolve("sub").createDirectory()
                val log = LogFixture(FileStore.of(directory)).writeLarge(6).checkpoint(4).close()
                log.reopen().records() shouldBe listOf(largeRecord(5), largeRecord(6))
                log.close()
                names.forEach { directory.resolve(it).readText() shouldBe "foreign $it" }
            }
        }

        "a sequence of zero and one that no number holds are foreign names" {
            inDirectory { directory ->
                val names = listOf("00000000000000000000.wal", "99999999999999999999.wal")
                names.forEach { directory.resolve(it).writeText("foreign") }
                val log = LogFixture(FileStore.of(directory)).write("a").close().reopen()
                log.records() shouldBe listOf("a")
                log.close()
                names.forEach { directory.resolve(it).readText() shouldBe "foreign" }
            }
        }

        "a directory with the name of a segment is a clear error" {
            inDirectory { directory ->
                val name = directory.resolve("00000000000000000001.wal").createDirectory()
                shouldThrow<IOException> { LogFixture(FileStore.of(directory)) }.message shouldContain "$name"
            }
        }

        "a text file with the name of a segment is refused and stays" {
            inDirectory { directory ->
                val file = directory.resolve("00000000000000000001.wal")
                val text = "key = value\n".repeat(20)
                file.writeText(text)
                shouldThrow<WalFormatException> { Wal.open(directory) }.segment() shouldBe 1
                file.readText() shouldBe text
            }
        }
    })
