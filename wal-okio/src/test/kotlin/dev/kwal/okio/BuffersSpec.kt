package dev.kwal.okio

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import okio.Buffer
import okio.ByteString.Companion.encodeUtf8
import okio.ByteString.Companion.toByteString
import okio.IOException
import okio.Source
import okio.Timeout
import okio.buffer
import java.io.EOFException

class BuffersSpec :
    StringSpec({
        "a buffer over several segments is one record, and is consumed" {
            val bytes = ByteArray(50_000) { (it * 31).toByte() }
            val record = Buffer().write(bytes)
            open().use { log ->
                log.append(record) shouldBe 1
                record.size shouldBe 0
                log.read(1).toByteArray() shouldBe bytes
            }
        }

        "a buffer that begins and ends within segments is one record" {
            val bytes = ByteArray(30_000) { (it * 31).toByte() }
            val record = Buffer().write(bytes).apply { skip(10) }
            open().use { log ->
                log.append(record, Durability.WRITTEN)
                log.read(1).toByteArray() shouldBe bytes.copyOfRange(10, 30_000)
            }
        }

        "an empty buffer is an empty record" {
            open().use { log ->
                log.append(Buffer()) shouldBe 1
                log.read(1).length() shouldBe 0
            }
        }

        "the bytes that were asked for are consumed, in every place between segments" {
            val bytes = ByteArray(20_000) { (it * 31).toByte() }
            open().use { log ->
                for (byteCount in listOf(0, 1, 8191, 8192, 8193, 16_384, 20_000)) {
                    val source = Buffer().write(bytes)
                    val lsn = log.append(source, byteCount.toLong(), Durability.WRITTEN)
                    log.read(lsn).toByteArray() shouldBe bytes.copyOf(byteCount)
                    source.readByteArray() shouldBe bytes.copyOfRange(byteCount, bytes.size)
                }
            }
        }

        "a source that ends too early gives EOFException; nothing is consumed and nothing appended" {
            val source = Buffer().writeUtf8("abc")
            open().use { log ->
                shouldThrow<EOFException> { log.append(source, 4) }
                log.lastLsn() shouldBe 0
            }
            source.readUtf8() shouldBe "abc"
        }

        "a record over the limit is refused before anything is read" {
            open(WalOptions.DEFAULT.withMaxRecordBytes(3)).use { log ->
                for (byteCount in listOf(-1L, 4L, Long.MAX_VALUE)) {
                    shouldThrow<IllegalArgumentException> {
                        log.append(Unreadable.buffer(), byteCount)
                    }.message shouldBe
                        "the record has $byteCount bytes, expected 0 to maxRecordBytes 3"
                }
                val record = Buffer().writeUtf8("abcd")
                shouldThrow<IllegalArgumentException> { log.append(record) }
                record.readUtf8() shouldBe "abcd"
                log.lastLsn() shouldBe 0
            }
        }

        "a buffer that was refused can be appended again" {
            val record = Buffer().writeUtf8("a")
            open(capabilities = StoreCapabilities.PROCESS_CRASH_ONLY).use { log ->
                shouldThrow<IllegalArgumentException> { log.appendAndSync(record) }
                log.append(record, Durability.WRITTEN) shouldBe 1
                log.read(1).toByteString().utf8() shouldBe "a"
            }
        }

        "a source that fails, fails the append" {
            open().use { log ->
                shouldThrow<IOException> { log.append(Unreadable.buffer(), 1) }.message shouldBe "unreadable"
                log.lastLsn() shouldBe 0
            }
        }

        "buffers and sources are durable when synced" {
            open().use { log ->
                log.appendAndSync(Buffer().writeUtf8("a")) shouldBe log.durableLsn()
                val source = Buffer().writeUtf8("bcd")
                repeat(2) { log.appendAndSync(source, 1) shouldBe log.durableLsn() }
                (1L..3L).map { log.read(it).toByteString().utf8() } shouldBe listOf("a", "b", "c")
            }
        }

        "the source of a record begins at its beginning each time" {
            open().use { log ->
                log.append("abc".encodeUtf8())
                val record = log.read(1)
                repeat(2) { record.source().readUtf8() shouldBe "abc" }
            }
        }

        "a cursor gives its record as a byte string, and to a sink" {
            val long = ByteArray(50_000) { it.toByte() }.toByteString()
            open().use { log ->
                listOf("abc".encodeUtf8(), long, "".encodeUtf8()).forEach { log.append(it) }
                val sink = Buffer()
                log.replay(0).use { cursor ->
                    shouldThrow<IllegalStateException> { cursor.toByteString() }
                    val lengths = generateSequence { if (cursor.next()) cursor.copyTo(sink) else null }.toList()
                    lengths shouldBe listOf(3, 50_000, 0)
                }
                sink.readByteString() shouldBe Buffer().writeUtf8("abc").write(long).readByteString()
                log.replay(2).use { cursor ->
                    cursor.next()
                    val record = cursor.toByteString()
                    cursor.next()
                    record shouldBe long
                }
            }
        }
    })

private fun open(
    options: WalOptions = WalOptions.DEFAULT,
    capabilities: StoreCapabilities = StoreCapabilities.DURABLE,
): Wal = Wal.open(MemoryStore(capabilities), options)

private object Unreadable : Source {
    override fun read(sink: Buffer, byteCount: Long): Long = throw IOException("unreadable")

    override fun timeout(): Timeout = Timeout.NONE

    override fun close() = Unit
}
