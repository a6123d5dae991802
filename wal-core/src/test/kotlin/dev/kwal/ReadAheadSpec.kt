package dev.kwal

import dev.kwal.storage.SegmentReader
import dev.kwal.storage.WalStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger

private const val RECORDS = 19_000L
private val OPTIONS = WalOptions.DEFAULT.withSegmentBytes(3 shl 20)

/** Replays that are long enough to be read ahead on another thread. Records have 252 to 402 bytes, in two segments and some. */
class ReadAheadSpec :
    StringSpec({
        val log = LogFixture(options = OPTIONS)
        for (lsn in 1..RECORDS) log.buffer(record(lsn))
        log.close().kill()

        fun reader(readAhead: Boolean, store: WalStore = log.store) =
            Wal.openReadOnly(store, OPTIONS.withReadAhead(readAhead))

        for (readAhead in listOf(true, false)) {
            val how = if (readAhead) "read ahead" else "not read ahead"

            "a long replay that is $how gives each record once, in order" {
                reader(readAhead).use { it.records() } shouldBe (1..RECORDS).map(::record)
            }

            "a long replay that is $how may begin anywhere" {
                reader(readAhead).use { it.records(RECORDS / 2) } shouldBe (RECORDS / 2..RECORDS).map(::record)
            }

            "damage in a long replay that is $how is found at its place, behind all records before it" {
                val damaged = LogFixture(options = OPTIONS)
                for (lsn in 1..RECORDS) damaged.buffer(record(lsn))
                damaged.close()
                for (lsn in listOf(600L, 1_500L, 2_500L)) {
                    val frame = damaged.store.frames(1).single { it.isRecord && it.lsn == lsn }
                    damaged.flip(1, frame.position + Format.FRAME_HEADER_BYTES + 1)
                    reader(readAhead, damaged.store).use { reader ->
                        val cursor = reader.replay(1)
                        repeat(lsn.toInt() - 1) { cursor.next() shouldBe true }
                        val refusal = shouldThrow<WalCorruptedException> { cursor.next() }
                        refusal.lsn() to refusal.position() shouldBe (lsn to frame.position)
                    }
                    damaged.flip(1, frame.position + Format.FRAME_HEADER_BYTES + 1)
                }
            }

            "a long replay that is $how allocates nothing for a record" {
                reader(readAhead).use { reader ->
                    val cursor = reader.replay(1)
                    repeat(2_000) { cursor.next() }
                    val bytes = allocatedBytes { repeat(1_000) { cursor.next() } }
                    bytes shouldBeLessThan 1_000 * 8
                }
            }

            "a truncation ends a long replay that is $how" {
                val growing = LogFixture(options = OPTIONS.withReadAhead(readAhead))
                for (lsn in 1..RECORDS) growing.buffer(record(lsn))
                val cursor = growing.wal.replay(1)
                repeat(1_000) { cursor.next() shouldBe true }
                growing.truncateAfter(1_002)
                cursor.texts() shouldBe listOf(record(1_001), record(1_002))
            }

            "a failure to read, in a long replay that is $how, is thrown where the records end that were read" {
                var fails = false
                val failing = Readers(log.store) { if (fails && it > 500_000) throw IOException("no") }
                reader(readAhead, failing).use { reader ->
                    fails = true
                    val cursor = reader.replay(1)
                    var count = 0
                    shouldThrow<IOException> { while (cursor.next()) count++ }.message shouldBe "no"
                    withClue("$count records") { (count in 1_000..1_900) shouldBe true }
                }
            }
        }

        "what another thread fails to read is read once more" {
            val test = Thread.currentThread()
            val failing = Readers(log.store) { if (Thread.currentThread() != test) throw IOException("no") }
            reader(true, failing).use { it.records() } shouldBe (1..RECORDS).map(::record)
            (failing.readsElsewhere.get() > 0) shouldBe true
        }

        "a cursor is closed when the other thread has left its segment" {
            val gate = Gate()
            var replaying: Thread? = null
            val isClosing = AtomicBoolean()
            val slow = Readers(log.store) {
                // Behind all that is asked for, so that closing is what waits for it.
                if (it > 300_000 && replaying != null && Thread.currentThread() != replaying) gate.pass()
            }
            reader(true, slow).use { reader ->
                val closing = running {
                    replaying = Thread.currentThread()
                    reader.replay(1).use { cursor ->
                        repeat(600) { cursor.next() }
                        gate.awaitSomebody()
                        isClosing.set(true)
                    }
                }
                awaitUntil { isClosing.get() && closing.isWaiting }
                gate.open()
                closing.result()
            }
            slow.closedInUse.get() shouldBe 0
        }

        "a cursor that nobody closes holds no thread" {
            val readers = Readers(log.store) {}
            reader(true, readers).use { reader ->
                reader.replay(1).also { cursor -> repeat(1_000) { cursor.next() } }
                awaitUntil { readers.readsElsewhere.get() > 0 && readers.inUse.get() == 0 }
            }
        }
    })

private fun record(lsn: Long) = "record $lsn ".padEnd(252 + (lsn % 150).toInt(), 'x')

/** A store that sees each read before it is done. */
private class Readers(private val store: WalStore, private val before: (position: Long) -> Unit) : WalStore by store {
    private val owner = Thread.currentThread()
    val readsElsewhere = AtomicInteger()
    val inUse = AtomicInteger()
    val closedInUse = AtomicInteger()

    override fun open(sequence: Long): SegmentReader = Reader(store.open(sequence))

    private inner class Reader(private val reader: SegmentReader) : SegmentReader {
        private val inside = AtomicInteger()

        override fun size() = reader.size()

        override fun read(position: Long, target: ByteBuffer): Int {
            inside.incrementAndGet()
            inUse.incrementAndGet()
            if (Thread.currentThread() != owner) readsElsewhere.incrementAndGet()
            try {
                before(position)
                return reader.read(position, target)
            } finally {
                inUse.decrementAndGet()
                inside.decrementAndGet()
            }
        }

        override fun close() {
            if (inside.get() > 0) closedInUse.incrementAndGet()
            reader.close()
        }
    }
}

private fun allocatedBytes(work: () -> Unit): Long {
    val threads = java.lang.management.ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
    val before = threads.currentThreadAllocatedBytes
    work()
    return threads.currentThreadAllocatedBytes - before
}
