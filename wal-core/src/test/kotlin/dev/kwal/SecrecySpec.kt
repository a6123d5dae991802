package dev.kwal

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainAll
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldNotContain
import java.io.IOException
import java.nio.ByteBuffer

private const val CANARY = "canary"

/** What the log says, in exceptions and otherwise, repeats nothing of its records. */
class SecrecySpec :
    StringSpec({
        "no damage of a log makes it tell its records" {
            val whole = LogFixture().write(*canaries(4)).writeBatch(*canaries(3)).sync().rotate()
                .write(*canaries(4)).close()
            val image = whole.sequences().associateWith { whole.store.bytes(it) }
            val said = mutableSetOf<String>()
            for ((sequence, bytes) in image) {
                val damages = bytes.indices.map { at -> bytes.copyOf().also { it[at] = (it[at] + 1).toByte() } } +
                    (0..bytes.size step 8).map { bytes.copyOf(it) }
                for (damage in damages) {
                    val store = WatchedStore()
                    (image + (sequence to damage)).forEach { (at, segment) -> store.replace(at, segment) }
                    thrownBy { Wal.openReadOnly(store, whole.options).use { it.records() } }
                        ?.let { said += it.stackTraceToString() }
                    thrownBy { LogFixture(store).records() }?.let { said += it.stackTraceToString() }
                }
            }
            said.size shouldBeGreaterThan 10
            said.filter { CANARY in it }.shouldBeEmpty()
        }

        "no refusal of a call repeats what it was given" {
            val options = SMALL_SEGMENTS.withMaxRecordBytes(64).withMaxBatchBytes(256)
            val log = LogFixture(options = options).write(*canaries(3)).sync()
            val wal = log.wal
            val thrown = mutableListOf<Throwable?>()
            thrown += thrownBy { log.write(CANARY.repeat(100)) }
            thrown += thrownBy { log.writeBatch(*Array(20) { CANARY }) }
            thrown += thrownBy { log.writeBatch(CANARY, CANARY.repeat(100)) }
            thrown += thrownBy { wal.read(99) }
            log.rotate().checkpoint(2)
            thrown += thrownBy { wal.read(1) }
            log.store.fail("sync")
            thrown += thrownBy { wal.append(CANARY.toBuffer(), Durability.SYNCED) }
            thrown += thrownBy { log.write(CANARY) }
            thrownBy { wal.close() }
            thrown += thrownBy { log.write(CANARY) }
            thrown.map { it?.javaClass } shouldContainAll listOf(
                IllegalArgumentException::class.java,
                WalGoneException::class.java,
                WalFailedException::class.java,
            )
            thrown.forEach { it?.stackTraceToString().orEmpty() shouldNotContain CANARY }
        }

        "a record over the limit of a reader is named by its length" {
            val log = LogFixture().write(CANARY.repeat(9)).close()
            val thrown = thrownBy { log.reopen { it.withMaxRecordBytes(8) } }
            thrown?.javaClass shouldBe WalFormatException::class.java
            thrown?.stackTraceToString().orEmpty() shouldNotContain CANARY
        }

        "the message of an undecodable record repeats nothing of what the codec says" {
            val typed = TypedWal.of(LogFixture().write(CANARY).wal, Talkative)
            val thrown = listOf(
                thrownBy { typed.read(1).value() },
                thrownBy { typed.replay(1).use { it.next() && it.value().isEmpty() } },
            )
            thrown.forEach {
                it?.javaClass shouldBe WalDecodingException::class.java
                it?.message.orEmpty() shouldNotContain CANARY
            }
        }

        "nothing that has a text of its own repeats records in it" {
            val log = LogFixture().write(CANARY)
            val record = log.wal.read(1)
            val ticket = log.wal.appendAsync(CANARY.toBuffer(), Durability.WRITTEN)
            log.wal.replay(0).use { cursor ->
                cursor.next()
                val texts =
                    listOf(
                        record,
                        TypedRecord.of(record, Talkative),
                        ticket,
                        cursor,
                        log.wal,
                        log.report,
                        log.options,
                    ) +
                        log.wal.segments()
                texts.map { "$it" }.filter { CANARY in it }.shouldBeEmpty()
            }
        }
    })

private fun thrownBy(work: () -> Unit): Throwable? = runCatching(work).exceptionOrNull()

private fun canaries(count: Int) = Array(count) { CANARY.repeat(it + 1) }

/** Quotes what it cannot decode. */
private object Talkative : RecordCodec<String> {
    override fun encode(value: String) = value.toBuffer()

    override fun decode(record: ByteBuffer): String = throw IOException("no number: $CANARY")
}
