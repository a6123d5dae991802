package dev.kwal

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.lang.reflect.InvocationTargetException
import java.nio.ByteBuffer

private fun LogFixture.position() = wal.sizeBytes()

/** What can be appended, what cannot, and what an LSN is. */
class AppendSpec :
    StringSpec({
        "LSNs are 1, 2, 3, … and each append returns its own" {
            val log = LogFixture()
            (1..5).map { log.wal.append("r$it".toByteArray()) } shouldBe listOf(1L, 2L, 3L, 4L, 5L)
        }

        "LSNs go on over segments, restarts, checkpoints and an emptied log" {
            val log = LogFixture().writeLarge(5).close().reopen().writeLarge(2).sync().checkpoint(7).reopen()
            log.records() shouldBe emptyList()
            log.wal.append("next".toByteArray()) shouldBe 8
        }

        "a record of zero bytes is a record" {
            val log = LogFixture()
            repeat(1000) { log.write("") }
            log.sync().reopen().records() shouldBe List(1000) { "" }
        }

        "records of zero bytes between others keep order and LSNs" {
            val log = LogFixture()
            val written = List(200) { if (it % 2 == 0) "" else "record $it" }
            log.write(*written.toTypedArray()).sync().reopen()
            log.records() shouldBe written
            log.wal.read(101).text() shouldBe ""
            log.wal.read(102).text() shouldBe "record 101"
        }

        "a record of zeros comes back and is not the end" {
            val zeros = "\u0000".repeat(100)
            LogFixture().write(zeros, "a", zeros).sync().reopen().records() shouldBe listOf(zeros, "a", zeros)
        }

        "a record that holds a copy of the log's own bytes is only a record" {
            val log = LogFixture().write("a", "b").sync()
            val copy = log.store.bytes(1)
            log.wal.append(copy)
            log.write("c").sync().reopen().records().size shouldBe 4
        }

        "a record of just the limit is accepted, and comes back" {
            val log = LogFixture(options = SMALL_SEGMENTS.withMaxRecordBytes(100))
            log.write("x".repeat(100)).sync().reopen().records() shouldBe listOf("x".repeat(100))
        }

        "a record one byte over the limit is refused with both lengths, takes no LSN and changes nothing" {
            val log = LogFixture(options = SMALL_SEGMENTS.withMaxRecordBytes(100)).write("a").sync()
            val before = log.image()
            shouldThrow<IllegalArgumentException> { log.write("x".repeat(101)) }.message shouldBe
                "the record has 101 bytes, more than maxRecordBytes 100"
            log.image() shouldBe before
            log.wal.append("b".toByteArray()) shouldBe 2
        }

        "every way to append refuses a record over the limit" {
            val wal = LogFixture(options = SMALL_SEGMENTS.withMaxRecordBytes(10)).wal
            val long = ByteBuffer.allocate(11)
            val calls = listOf<() -> Unit>(
                { wal.append(long) },
                { wal.append(long, Durability.SYNCED) },
                { wal.appendAndSync(long) },
                { wal.tryAppend(long) },
                { wal.appendAsync(long, Durability.WRITTEN) },
                { wal.appendBatch(listOf(ByteBuffer.allocate(1), long)) },
                { wal.tryAppendBatch(listOf(long)) },
                { wal.appendBatchAsync(listOf(long), Durability.SYNCED) },
            )
            calls.forEach { shouldThrow<IllegalArgumentException> { it() }.message shouldContain "11" }
            wal.lastLsn() shouldBe 0
        }

        "null is refused and takes no LSN" {
            val log = LogFixture()
            val append = Wal::class.java.getMethod("append", ByteArray::class.java)
            shouldThrow<java.lang.reflect.InvocationTargetException> { append.invoke(log.wal, null) }
                .cause!!::class shouldBe NullPointerException::class
            @Suppress("UNCHECKED_CAST")
            val batch = listOf(ByteBuffer.allocate(1), null) as List<ByteBuffer>
            shouldThrow<NullPointerException> { log.wal.appendBatch(batch) }
            log.wal.append("a".toByteArray()) shouldBe 1
        }

        "a buffer is taken from its position to its limit, and both stay" {
            val log = LogFixture()
            val buffer = "0123456789".toBuffer().position(2).limit(5)
            log.wal.append(buffer)
            buffer.position() to buffer.limit() shouldBe (2 to 5)
            log.records() shouldBe listOf("234")
        }

        "a direct, a read-only and a big-endian buffer are as good as any" {
            val log = LogFixture()
            log.wal.append(ByteBuffer.allocateDirect(3).put("abc".toByteArray()).flip())
            log.wal.append("def".toBuffer().asReadOnlyBuffer())
            log.wal.append("ghi".toBuffer().order(java.nio.ByteOrder.BIG_ENDIAN))
            log.records() shouldBe listOf("abc", "def", "ghi")
        }

        "what the caller does to his bytes afterwards changes no record" {
            val log = LogFixture()
            val bytes = "abc".toByteArray()
            log.wal.append(ByteBuffer.wrap(bytes), Durability.BUFFERED)
            bytes.fill('x'.code.toByte())
            log.records() shouldBe listOf("abc")
        }

        "a record longer than a segment gets one of its own, and the next goes to another" {
            val log = LogFixture()
            val long = "x".repeat(5000)
            log.write("a", long, "b").sync()
            log.wal.segments().map { it.baseLsn } shouldBe listOf(1L, 2L, 3L)
            log.reopen().records() shouldBe listOf("a", long, "b")
        }

        "a record longer than the buffer is written all the same" {
            val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(1 shl 20).withBufferBytes(4096))
            val long = "x".repeat(100_000)
            log.write("a", long, "b", long).sync().reopen().records() shouldBe listOf("a", long, "b", long)
        }

        "a record that exactly fills a segment stays in it, and the next rotates" {
            val log = LogFixture().write("a")
            val room = 1024 - log.position() - Format.FRAME_HEADER_BYTES
            log.write("x".repeat(room.toInt()))
            log.position() shouldBe 1024
            log.wal.segments().size shouldBe 1
            log.write("b").wal.segments().map { it.baseLsn } shouldBe listOf(1L, 3L)
            log.sync().reopen().records().map { it.take(1) } shouldBe listOf("a", "x", "b")
        }

        "a record one byte too long for the segment goes to the next" {
            val log = LogFixture().write("a")
            val room = 1024 - log.position() - Format.FRAME_HEADER_BYTES
            log.write("x".repeat(room.toInt() + 1))
            log.wal.segments().map { it.baseLsn } shouldBe listOf(1L, 2L)
        }

        "the last LSN there is can be appended, and the one behind it cannot" {
            val log = LogFixture(storeEndingAt(Format.MAX_LSN - 1))
            log.wal.appendAndSync("last".toByteArray()) shouldBe Format.MAX_LSN
            val before = log.image()
            shouldThrow<IllegalStateException> { log.write("one more") }.message shouldBe
                "all LSNs are used up, the last is ${Format.MAX_LSN}"
            log.image() shouldBe before
        }

        "a batch that has not enough LSNs left is refused whole" {
            val log = LogFixture(storeEndingAt(Format.MAX_LSN - 2))
            val before = log.image()
            shouldThrow<IllegalStateException> { log.writeBatch("a", "b", "c") }
            log.image() shouldBe before
            log.writeBatch("a", "b").wal.lastLsn() shouldBe Format.MAX_LSN
        }

        "a log with all LSNs used up can be closed, opened and read" {
            val log = LogFixture(storeEndingAt(Format.MAX_LSN - 1)).write("last").sync().close().reopen()
            shouldThrow<IllegalStateException> { log.write("one more") }
            log.records() shouldBe listOf("old", "last")
        }

        "a store refuses the levels that it cannot give" {
            val wal = LogFixture(MemoryStore()).wal
            shouldThrow<IllegalArgumentException> { wal.append("a".toByteArray()) }.message shouldContain "WRITTEN"
            shouldThrow<IllegalArgumentException> { wal.append("a".toByteArray(), Durability.SYNCED) }
            shouldThrow<IllegalArgumentException> { wal.appendAsync("a".toBuffer(), Durability.SYNCED) }
            shouldThrow<IllegalArgumentException> { wal.sync(0) }
            wal.append("a".toByteArray(), Durability.BUFFERED) shouldBe 1
            wal.durableLsn() shouldBe 0
        }

        "a store that does not survive a loss of power gives WRITTEN and refuses SYNCED" {
            val log = LogFixture(MemoryStore(StoreCapabilities.PROCESS_CRASH_ONLY)).write("a")
            val message = shouldThrow<IllegalArgumentException> { log.sync() }.message
            message shouldContain "level SYNCED, because it does not promise to survive a loss of power: "
            message shouldContain "; ask for WRITTEN or BUFFERED, or open the log on a store that does"
            log.reopen().records() shouldBe listOf("a")
        }

        "a level of null is refused before anything is appended" {
            val wal: Wal = LogFixture().wal
            val append = Wal::class.java.getMethod("append", ByteBuffer::class.java, Durability::class.java)
            val appendAsync = Wal::class.java.getMethod("appendAsync", ByteBuffer::class.java, Durability::class.java)
            for (method in listOf(append, appendAsync)) {
                val thrown = shouldThrow<InvocationTargetException> { method.invoke(wal, "a".toBuffer(), null) }
                thrown.cause!!::class shouldBe NullPointerException::class
            }
            wal.lastLsn() shouldBe 0
        }

        "records over the limit that were written under a larger one are refused, short ones too" {
            val log = LogFixture(options = WalOptions.DEFAULT).write("a").write("x".repeat(500)).write("b").close()
            val thrown = shouldThrow<WalFormatException> {
                log.reopen { it.withMaxRecordBytes(100) }.records()
            }
            thrown.message shouldContain "500 bytes"
        }
    })

/** A store with a log whose last record has this LSN. */
private fun storeEndingAt(lsn: Long): WatchedStore {
    val segment = CraftedSegment(SegmentHeader.ofNewLog(1)).open(baseLsn = lsn).record(lsn, "old", durableLsn = lsn - 1)
    return WatchedStore().also { it.replace(1, segment.mark(Format.CLOSE, lsn).bytes()) }
}
