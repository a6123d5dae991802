package dev.kwal.storage.contract

import dev.kwal.storage.SegmentReader
import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.StoreLockedException
import dev.kwal.storage.WalStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.file.FileAlreadyExistsException
import java.nio.file.NoSuchFileException
import java.util.concurrent.CyclicBarrier

/**
 * The rules of [WalStore] as tests. A store is one that passes them.
 *
 * @param medium makes an empty place for each test
 * @param losesPower whether [Medium.afterPowerLoss] works
 */
public abstract class StoreContract(medium: () -> Medium, losesPower: Boolean = false) :
    StringSpec({
        fun on(test: (Medium, WalStore) -> Unit) = medium().use { place ->
            val store = place.store()
            store.lock().use { test(place, store) }
        }

        "the capabilities are the same at every call" {
            medium().use { place -> place.store().let { it.capabilities() shouldBe it.capabilities() } }
        }

        "a place that was never locked has no segments, and asking does not make it" {
            medium().use { place ->
                val answers = List(2) { runCatching { place.store().segments().toList() } }
                answers.forEach { answer ->
                    answer.exceptionOrNull()?.let { (it is NoSuchFileException) shouldBe true }
                    answer.getOrDefault(emptyList()) shouldBe emptyList()
                }
                answers[0].isSuccess shouldBe answers[1].isSuccess
            }
        }

        "a locked place is empty at first" {
            on { _, store -> store.segments().toList() shouldBe emptyList() }
        }

        "pins have a place of their own, shared by all stores on the same place, and are no segments" {
            on { place, store ->
                store.pins().snapshots().size shouldBe 0
                store.pins().create(1) { it.write(byteArrayOf(7)) }
                place.store().pins().open(1).use { it.readAllBytes().toList() } shouldBe listOf<Byte>(7)
                store.segments().toList() shouldBe emptyList()
                store.make(1, "header")
                store.pins().snapshots().toList() shouldBe listOf(1L)
            }
        }

        "a lock keeps out a second one, of this store or another on the same place" {
            on { place, store ->
                shouldThrow<StoreLockedException> { store.lock() }
                shouldThrow<StoreLockedException> { place.store().lock() }
                shouldThrow<StoreLockedException> { place.store().lock() }
            }
        }

        "a lock that was given up can be taken again" {
            on { place, _ -> shouldThrow<StoreLockedException> { place.store().lock() } }
            medium().use { place ->
                place.store().lock().close()
                place.store().lock().close()
                place.store().lock().close()
            }
        }

        "giving up a lock twice takes it from nobody" {
            medium().use { place ->
                val first = place.store().lock()
                first.close()
                place.store().lock().use {
                    first.close()
                    shouldThrow<StoreLockedException> { place.store().lock() }
                }
            }
        }

        "segments are listed by number, ascending" {
            on { place, store ->
                val sequences = listOf(10L, 9, 100, 1, Long.MAX_VALUE)
                sequences.forEach { store.make(it, "header") }
                store.segments().toList() shouldContainExactly sequences.sorted()
                place.store().segments().toList() shouldContainExactly sequences.sorted()
            }
        }

        "a new segment is its header" {
            on { _, store ->
                store.create(1, bytes("header"), 0).close()
                store.text(1).trimEnd('\u0000') shouldBe "header"
            }
        }

        "the header is what lies between position and limit, in any kind of buffer" {
            on { _, store ->
                val heap = ByteBuffer.wrap("<header>".toByteArray()).position(1).limit(7)
                val direct = ByteBuffer.allocateDirect(9).put(0, "<header>".toByteArray()).position(1).limit(7)
                val headers = listOf(heap, direct, heap.asReadOnlyBuffer(), heap.slice())
                headers.forEachIndexed { index, header ->
                    store.create(index + 1L, header, 0).use { it.append(bytes("+")) }
                    store.text(index + 1L) shouldBe "header+"
                }
            }
        }

        "the header's buffer is the caller's again when the segment is made" {
            on { _, store ->
                val header = ByteBuffer.wrap("header".toByteArray())
                val writer = store.create(1, header, 100)
                header.array().fill('x'.code.toByte())
                writer.use { it.append(bytes("+")) }
                store.text(1) shouldBe "header+"
            }
        }

        "a segment that exists is not made again, and stays as it was" {
            on { _, store ->
                store.make(1, "first")
                listOf(0L, 4096L).forEach {
                    shouldThrow<FileAlreadyExistsException> { store.create(1, bytes("second"), it) }
                }
                store.text(1) shouldBe "first"
                store.segments().toList() shouldBe listOf(1L)
            }
        }

        "appends follow the header and one another, and take the whole buffer" {
            on { _, store ->
                store.create(1, bytes("h"), 1000).use { writer ->
                    val source = ByteBuffer.wrap("-abc-".toByteArray()).position(1).limit(4)
                    writer.append(source)
                    source.position() shouldBe 4
                    source.limit() shouldBe 4
                    writer.append(bytes(""))
                    writer.append(ByteBuffer.allocateDirect(3).put(0, "def".toByteArray()))
                    writer.append(bytes("ghi").asReadOnlyBuffer())
                }
                store.text(1) shouldBe "habcdefghi"
            }
        }

        "a segment grows beyond what was expected" {
            on { _, store ->
                store.create(1, bytes("h"), 10).use { writer -> repeat(100) { writer.append(bytes("0123456789")) } }
                store.text(1) shouldBe "h" + "0123456789".repeat(100)
            }
        }

        "large appends and reads are whole" {
            on { _, store ->
                val large = ByteArray(3 * 1024 * 1024 + 5) { (it * 31 + it / 4096).toByte() }
                store.create(1, bytes("h"), 0).use { writer ->
                    writer.append(ByteBuffer.wrap(large))
                    writer.append(ByteBuffer.allocateDirect(large.size).put(0, large))
                }
                store.open(1).use { reader ->
                    val target = ByteBuffer.allocate(2 * large.size)
                    reader.read(1, target) shouldBe target.capacity()
                    target.array().contentEquals(large + large) shouldBe true
                }
            }
        }

        "space is prepared up to where it was asked for, or not at all, and is not part of the segment" {
            on { _, store ->
                store.create(1, bytes("h"), 1000).use { writer ->
                    val prepared = writer.prepare(0)
                    writer.prepare(0) shouldBe prepared
                    writer.prepare(50_000) shouldBeGreaterThanOrEqual 50_000
                    writer.append(bytes("abc"))
                    store.text(1).trimEnd('\u0000') shouldBe "habc"
                }
                store.text(1) shouldBe "habc"
            }
        }

        "readers see what was appended before, synced or not, beside the writer" {
            on { place, store ->
                store.create(1, bytes("h"), 1000).use { writer ->
                    place.store().open(1).use { reader ->
                        reader.text(0, 1) shouldBe "h"
                        writer.append(bytes("abc"))
                        reader.text(0, 4) shouldBe "habc"
                        reader.size() shouldBeGreaterThanOrEqual 4
                        writer.sync()
                        writer.append(bytes("def"))
                        reader.text(1, 6) shouldBe "abcdef"
                    }
                }
            }
        }

        "a read fills the buffer, or goes to the end of the segment" {
            on { _, store ->
                store.make(1, "0123456789")
                store.open(1).use { reader ->
                    reader.size() shouldBe 10
                    reader.text(0, 10) shouldBe "0123456789"
                    reader.text(3, 4) shouldBe "3456"
                    reader.text(8, 4) shouldBe "89"
                    reader.read(10, ByteBuffer.allocate(4)) shouldBe 0
                    reader.read(1_000_000_000_000, ByteBuffer.allocate(4)) shouldBe 0
                    reader.read(0, ByteBuffer.allocate(0)) shouldBe 0
                }
            }
        }

        "a read fills the buffer from its position up to its limit" {
            on { _, store ->
                store.make(1, "0123456789")
                listOf(ByteBuffer.allocate(8), ByteBuffer.allocateDirect(8)).forEach { target ->
                    target.position(2).limit(5)
                    store.open(1).use { it.read(4, target) } shouldBe 3
                    target.position() shouldBe 5
                    target.limit() shouldBe 5
                    target.clear().asText() shouldBe "\u0000\u0000456\u0000\u0000\u0000"
                }
            }
        }

        "closing a writer twice is closing it once" {
            on { _, store ->
                val writer = store.create(1, bytes("h"), 100)
                writer.append(bytes("abc"))
                writer.close()
                writer.close()
                store.text(1) shouldBe "habc"
            }
        }

        "closing a writer gives back the space that it prepared and did not use" {
            on { _, store ->
                store.create(1, bytes("h"), 100_000).use { it.append(bytes("abc")) }
                store.open(1).use { it.size() } shouldBe 4
            }
        }

        "synced bytes stay, whatever is done to the store" {
            on { place, store ->
                val first = store.create(1, bytes("h"), 100)
                first.append(bytes("synced"))
                first.sync()
                first.append(bytes("+"))
                store.make(2, "second")
                store.make(3, "third")
                store.delete(2)
                first.close()
                place.store().text(1) shouldBe "hsynced+"
            }
        }

        "what lies behind the appended bytes is the end, zeros, or of an earlier use" {
            on { _, store ->
                store.make(1, "x".repeat(500))
                store.delete(1)
                store.create(2, bytes("h"), 400).use {
                    val text = store.text(2)
                    text.take(1) shouldBe "h"
                    text.drop(1).toSet() - setOf('x', '\u0000') shouldBe emptySet()
                }
            }
        }

        "a missing segment is a missing file" {
            on { _, store ->
                store.make(1, "h")
                shouldThrow<NoSuchFileException> { store.open(2) }
                shouldThrow<NoSuchFileException> { store.delete(2) }
                if (store.capabilities().resumable()) shouldThrow<NoSuchFileException> { store.resume(2, 0, 0) }
                store.segments().toList() shouldBe listOf(1L)
            }
        }

        "a deleted segment is gone, and its number can be used again" {
            on { place, store ->
                store.make(1, "old")
                store.make(2, "other")
                store.delete(1)
                store.segments().toList() shouldBe listOf(2L)
                place.store().segments().toList() shouldBe listOf(2L)
                shouldThrow<NoSuchFileException> { store.open(1) }
                shouldThrow<NoSuchFileException> { store.delete(1) }
                store.make(1, "new segment")
                store.text(1) shouldBe "new segment"
                store.text(2) shouldBe "other"
            }
        }

        "an open reader keeps the segment, goes on, fails, or sees the next use" {
            on { _, store ->
                store.make(1, "old")
                store.open(1).use { reader ->
                    runCatching { store.delete(1) }.onFailure { (it is IOException) shouldBe true }
                    store.make(2, "new")
                    runCatching { reader.text(0, 3) }
                        .onSuccess { it shouldBeIn listOf("old", "new") }
                        .onFailure { (it is IOException) shouldBe true }
                }
            }
        }

        "a resumed segment goes on where it ended" {
            on { place, store ->
                store.make(1, "habc")
                val other = place.store()
                if (other.capabilities().resumable()) {
                    other.resume(1, 4, 1000).use {
                        it.append(bytes("def"))
                        it.sync()
                    }
                    store.text(1) shouldBe "habcdef"
                } else {
                    shouldThrow<UnsupportedOperationException> { other.resume(1, 4, 1000) }
                }
            }
        }

        "a segment resumed before its end keeps what is before, and new bytes replace the rest" {
            on { _, store ->
                if (store.capabilities().resumable()) {
                    store.make(1, "habcdef")
                    store.resume(1, 3, 0).use { it.append(bytes("++")) }
                    store.text(1) shouldBe "hab++"
                }
            }
        }

        "segments are written and read by many threads at once" {
            on { _, store ->
                val writers = (1L..4L).associateWith { store.create(it, bytes("h"), 20_000) }
                val start = CyclicBarrier(2 * writers.size)
                val threads = writers.flatMap { (sequence, writer) ->
                    listOf(
                        inThread {
                            start.await()
                            repeat(200) { writer.append(bytes("$sequence".repeat(100))) }
                        },
                        inThread {
                            start.await()
                            repeat(100) {
                                val text = store.open(sequence).use { it.text(1, 50_000) }
                                text.toSet() - setOf('\u0000', '0' + sequence.toInt()) shouldBe emptySet()
                                writer.sync()
                            }
                        },
                    )
                }
                threads.forEach { it.join() }
                writers.values.forEach { it.close() }
                (1L..4L).forEach { store.text(it) shouldBe "h" + "$it".repeat(20_000) }
            }
        }

        "an interrupt changes nothing" {
            fun interrupted(step: String, call: () -> Unit) {
                Thread.currentThread().interrupt()
                try {
                    withClue(step) { call() }
                } finally {
                    withClue("the flag after $step") { Thread.interrupted() shouldBe true }
                }
            }
            medium().use { place ->
                val store = place.store()
                lateinit var lock: AutoCloseable
                lateinit var writer: SegmentWriter
                lateinit var reader: SegmentReader
                interrupted("lock") { lock = store.lock() }
                interrupted("create") { writer = store.create(1, bytes("h"), 1000) }
                interrupted("append") { writer.append(bytes("abc")) }
                interrupted("sync") { writer.sync() }
                interrupted("open") { reader = store.open(1) }
                interrupted("read") { reader.text(0, 4) shouldBe "habc" }
                interrupted("size") { reader.size() shouldBeGreaterThanOrEqual 4 }
                interrupted("segments") { store.segments().toList() shouldBe listOf(1L) }
                writer.append(bytes("def"))
                writer.sync()
                reader.text(0, 7) shouldBe "habcdef"
                interrupted("close of the writer") { writer.close() }
                interrupted("close of the reader") { reader.close() }
                if (store.capabilities().resumable()) {
                    interrupted("resume") { writer = store.resume(1, 7, 1000) }
                    writer.use { it.append(bytes("ghi")) }
                    store.text(1) shouldBe "habcdefghi"
                }
                interrupted("delete") { store.delete(1) }
                interrupted("close of the lock") { lock.close() }
                place.store().segments().toList() shouldBe emptyList()
            }
        }

        "what others put there is neither listed nor touched" {
            medium().use { place ->
                place.addForeignThings()
                val store = place.store()
                store.lock().use {
                    store.segments().toList() shouldBe emptyList()
                    store.make(1, "h")
                    store.make(2, "h")
                    store.delete(1)
                    store.segments().toList() shouldBe listOf(2L)
                }
                store.lock().close()
                place.hasForeignThings() shouldBe true
            }
        }

        if (losesPower) powerLossRules(medium)
    })
