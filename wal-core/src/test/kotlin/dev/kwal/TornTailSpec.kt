package dev.kwal

import dev.kwal.RecoveryReport.End
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Writes that a crash tore are cut and reported: they were never acknowledged as synced. */
class TornTailSpec :
    StringSpec({
        fun three() = LogFixture().write("a", "b", "c")

        fun length(bytes: ByteArray, position: Long, length: Int) =
            bytes.also { ByteBuffer.wrap(it).order(ByteOrder.LITTLE_ENDIAN).putInt(position.toInt(), length) }

        "one to fifteen bytes of a frame are cut, and the report says where" {
            for (count in 1..15) {
                val log = three()
                val end = log.frames().last().end
                log.write("torn").edit(1) { it.copyOf(end.toInt() + count) }.reopen()
                withClue("$count bytes") {
                    log.report.end() shouldBe End.TORN
                    log.report.tornSegment() to log.report.tornPosition() shouldBe (1L to end)
                    log.records() shouldBe listOf("a", "b", "c")
                }
            }
        }

        "the report counts what is torn to its last byte that is not zero" {
            val log = three()
            log.stain(byteArrayOf(1, 2, 3) + ByteArray(500)).reopen().report.tornBytes() shouldBe 3
        }

        "a flip in the last record takes that record alone" {
            three().flipByteOf("c").reopen().records() shouldBe listOf("a", "b")
        }

        "a log cut at any byte comes back as a prefix, and its LSNs go on there" {
            val whole = LogFixture(options = WalOptions.DEFAULT.withBufferBytes(1 shl 16))
            val written = List(100) { "record $it" }
            whole.write(*written.toTypedArray())
            val bytes = whole.store.bytes(1)
            for (size in bytes.indices) {
                val store = WatchedStore().also { it.replace(1, bytes.copyOf(size)) }
                val log = LogFixture(store, whole.options)
                val records = log.records()
                withClue("cut at $size") {
                    records shouldBe written.take(records.size)
                    log.wal.append("next".toByteArray()) shouldBe records.size + 1
                }
            }
        }

        "a last segment of any length up to its OPEN frame leaves the records before it, and the next LSN" {
            val whole = LogFixture().write("a").rotate()
            val second = whole.store.bytes(2)
            for (size in second.indices) {
                val log = LogFixture(WatchedStore().also { it.replace(1, whole.store.bytes(1)) })
                log.kill().store.replace(2, second.copyOf(size))
                log.reopen()
                withClue("$size of ${second.size} bytes") {
                    log.records() shouldBe listOf("a")
                    log.wal.append("b".toByteArray()) shouldBe 2
                    log.sync().reopen().records() shouldBe listOf("a", "b")
                }
            }
        }

        "four kibibytes of zeros behind the last record are the end, and nothing torn" {
            val log = three().stain(ByteArray(4096)).reopen()
            log.records() shouldBe listOf("a", "b", "c")
            log.report.end() shouldBe End.UNCLOSED
        }

        "four kibibytes of zeros behind a close mark are the end, and the segment is gone on with" {
            val log = three().close().stain(ByteArray(4096)).reopen()
            log.report.end() shouldBe End.CLEAN
            log.write("d").sequences() shouldBe listOf(1L)
        }

        "zeros and then garbage, without proof, are a torn tail" {
            val log = three().stain(ByteArray(64) + ByteArray(40) { 7 }).reopen()
            log.report.end() shouldBe End.TORN
            log.records() shouldBe listOf("a", "b", "c")
        }

        "zeros and then a whole frame that proves nothing are a torn group" {
            val log = LogFixture().write("a").sync().write("b", "c")
            val b = log.frames().last { it.text == "b" }
            log.edit(1) { it.also { bytes -> bytes.fill(0, b.position.toInt(), b.end.toInt()) } }.reopen()
            log.report.end() shouldBe End.TORN
            log.records() shouldBe listOf("a")
        }

        "a length that runs past the end, without proof, is torn" {
            val log = three()
            val c = log.frames().last()
            log.edit(1) { length(it, c.position, 1 shl 16) }.reopen().records() shouldBe listOf("a", "b")
        }

        "a length of 0xFFFFFFFF is refused without memory for it" {
            val log = LogFixture(options = SMALL_SEGMENTS.withMaxRecordBytes(1024)).write("a", "b")
            val b = log.frames().last()
            log.edit(1) { length(it, b.position, -1) }
            allocatedBytes { log.reopen() } shouldBeLessThan (8L shl 20)
            log.records() shouldBe listOf("a")
        }

        "a length between what is there and the limit takes no memory but for what is there" {
            val log = LogFixture(options = SMALL_SEGMENTS.withMaxRecordBytes(1 shl 30)).write("a", "b")
            val b = log.frames().last()
            log.edit(1) { length(it, b.position, 900 shl 20) }
            allocatedBytes { log.reopen() } shouldBeLessThan (8L shl 20)
            log.records() shouldBe listOf("a")
        }

        "a length smaller than a frame header is never a frame, and is not stepped over" {
            for (tooSmall in 1..23) {
                val log = three()
                val c = log.frames().last()
                log.edit(1) { length(it, c.position, tooSmall) }.reopen()
                withClue("length $tooSmall") { log.records() shouldBe listOf("a", "b") }
            }
        }

        "a torn record that is completed later is whole" {
            val log = three()
            val bytes = log.store.bytes(1)
            log.cut(20)
            log.edit(1) { bytes }.reopen().records() shouldBe listOf("a", "b", "c")
        }

        "what is appended behind a torn tail is found again, the torn bytes are not" {
            val log = three().cut(5).reopen()
            log.write("C").reopen().write("d").reopen()
            log.records() shouldBe listOf("a", "b", "C", "d")
        }

        "a torn tail is not repaired in place: its segment stays as it was or is deleted" {
            val log = LogFixture().write("a").sync().write("b", "c").cut(5)
            val before = log.store.bytes(1).toList()
            log.reopen().records() shouldBe listOf("a", "b")
            log.store.bytes(1).toList() shouldBe before
        }

        "an OPEN frame that was torn leaves a new log" {
            val log = LogFixture().write("a").edit(1) { it.copyOf(100) }.reopen()
            log.records() shouldBe emptyList()
            log.wal.append("first".toByteArray()) shouldBe 1
        }

        "a first segment with a header alone is an empty log that begins at 1" {
            val log = LogFixture().write("a").edit(1) { it.copyOf(Format.HEADER_BYTES) }.reopen()
            log.wal.append("first".toByteArray()) shouldBe 1
            log.sync().reopen().records() shouldBe listOf("first")
        }

        "recovery that is repeated without appends finds the same and leaves at most one more segment" {
            val log = LogFixture().write("a").sync().write("b", "c").cut(3).reopen()
            val records = log.records()
            val count = log.sequences().size
            repeat(5) { log.reopen() }
            log.records() shouldBe records
            log.sequences().size shouldBe count
        }

        "records that came back are durable when open returns" {
            val log = LogFixture().write("a", "b").reopen()
            log.wal.durableLsn() shouldBe 2
            log.flipByteOf("b")
            io.kotest.assertions.throwables.shouldThrow<WalCorruptedException> { log.reopen() }
        }
    })

/** How much memory the work allocated on this thread. */
private fun allocatedBytes(work: () -> Unit): Long {
    val threads = java.lang.management.ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
    val id = Thread.currentThread().id
    val before = threads.getThreadAllocatedBytes(id)
    work()
    return threads.getThreadAllocatedBytes(id) - before
}
