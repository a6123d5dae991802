package dev.kwal

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import java.io.InputStream
import java.nio.ByteBuffer
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

/** Segments are copied to an archive before they may be deleted. */
class ArchiveSpec :
    StringSpec({
        "each segment that is complete is archived, and what is in the archive opens as a log" {
            val log = LogFixture()
            val archive = Shelf()
            log.wal.archive("archive", archive)
            log.writeLarge(9).sync()
            archive.await(1, 2, 3, 4)
            archive.open().use { it.records() } shouldBe (1L..8L).map(::largeRecord)
        }

        "no checkpoint deletes what is not archived; what it asked for goes when it is" {
            val log = LogFixture()
            val archive = Shelf(gate = Gate())
            val archiver = log.wal.archive("archive", archive)
            log.writeLarge(9).sync()
            archive.gate.awaitSomebody()
            log.checkpoint(9).wal.firstLsn() shouldBe 1
            archiver.pin().lag() shouldBe WalPin.Lag(9, log.wal.sizeBytes())
            archive.gate.open()
            archive.await(1, 2, 3, 4)
            log.awaitFirst(9)
        }

        "an archive that fails is tried again, and tells why, and nothing is deleted meanwhile" {
            val log = LogFixture().writeLarge(5).sync()
            val archive = Shelf()
            archive.broken = mediumError()
            val archiver = log.wal.archive("archive", archive)
            awaitUntil { archiver.failure() != null }
            archiver.failure() shouldBeSameInstanceAs archive.broken
            log.checkpoint(5).wal.firstLsn() shouldBe 1
            archive.broken = null
            log.tick()
            archive.await(1, 2)
            log.awaitFirst(5)
        }

        "after a restart the archive goes on where it was" {
            val log = LogFixture().writeLarge(5).sync()
            val archive = Shelf()
            val archiver = log.wal.archive("archive", archive)
            archive.await(1, 2)
            awaitUntil { archiver.pin().lsn() == 4L }
            log.close().reopen().writeLarge(4).sync().checkpoint(9)
            log.wal.firstLsn() shouldBe 5
            log.wal.archive("archive", archive)
            archive.await(3, 4)
            archive.open().use { it.records() } shouldBe (1L..8L).map(::largeRecord)
        }

        "segments that a truncation ended are archived up to the cut, and the archive opens" {
            val log = LogFixture().writeLarge(5).sync().truncateAfter(3)
            val archive = Shelf()
            log.wal.archive("archive", archive)
            log.write("new").rotate()
            archive.await(1, 2, 4)
            archive.open().use { it.records() } shouldBe (1L..3L).map(::largeRecord) + "new"
        }

        "what comes in the place of what a truncation gave up during its copy is archived, too" {
            val log = LogFixture().writeLarge(3).sync()
            val archive = Shelf(gate = Gate())
            val archiver = log.wal.archive("archive", archive)
            archive.gate.awaitSomebody()
            log.truncateAfter(1).write("new").rotate()
            archive.gate.open()
            awaitUntil { archiver.pin().lsn() == 2L }
            archive.open().use { it.records() } shouldBe listOf(largeRecord(1), "new")
        }

        "an archiver that was closed copies no more, and its pin holds on" {
            val log = LogFixture().writeLarge(3).sync()
            val archive = Shelf()
            val archiver = log.wal.archive("archive", archive)
            archive.await(1)
            awaitUntil { archiver.pin().lsn() == 2L }
            archiver.close()
            archiver.close()
            log.writeLarge(6).sync().checkpoint(9)
            log.wal.firstLsn() shouldBe 3
            log.wal.pin("archive").lsn() shouldBe 2
        }

        "an archiver whose pin was dropped ends, and says so" {
            val log = LogFixture().writeLarge(1)
            val archive = Shelf()
            val archiver = log.wal.archive("archive", archive)
            log.wal.pin("archive").drop()
            log.writeLarge(4)
            awaitUntil { archiver.failure() is WalGoneException }
            archive.kept shouldBe emptyList()
        }

        "two archivers of one name would give up what the other has not copied: the second is refused" {
            val log = LogFixture()
            val first = log.wal.archive("archive", Shelf())
            shouldThrow<IllegalStateException> { log.wal.archive("archive", Shelf()) }
            first.close()
            log.wal.archive("archive", Shelf()).close()
        }

        "there are at most 64 archivers" {
            val log = LogFixture()
            val archivers = List(64) { log.wal.archive("archive $it", Shelf()) }
            shouldThrow<IllegalStateException> { log.wal.archive("one more", Shelf()) }
            log.wal.pins().size shouldBe 64
            archivers.first().close()
            log.wal.archive("one more", Shelf()).pin().name() shouldBe "one more"
        }
    })

/** An archive in memory. */
private class Shelf(val gate: Gate = Gate().apply { open() }) : SegmentArchive {
    private val store = MemoryStore(StoreCapabilities.DURABLE)
    val kept = LinkedBlockingQueue<Long>()

    @Volatile
    var broken: Throwable? = null

    override fun archive(segment: SegmentInfo, bytes: InputStream) {
        broken?.let { throw it }
        gate.pass()
        val copy = bytes.readAllBytes()
        copy.size.toLong() shouldBe segment.bytes()
        if (segment.sequence() in store.segments()) store.delete(segment.sequence())
        store.create(segment.sequence(), ByteBuffer.wrap(copy), 0).close()
        kept.add(segment.sequence())
    }

    /** The next that are kept are these. */
    fun await(vararg sequences: Long) =
        sequences.forEach { kept.poll(PATIENCE_SECONDS, TimeUnit.SECONDS) shouldBe it }

    fun open(): Wal = Wal.open(store, SMALL_SEGMENTS)
}

private fun LogFixture.awaitFirst(lsn: Long) = awaitUntil { wal.firstLsn() == lsn }
