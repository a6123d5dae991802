package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.RecordCodec
import dev.kwal.WalConflictException
import dev.kwal.WalDecodingException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.cbor.Cbor
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.Json
import kotlinx.serialization.protobuf.ProtoBuf
import java.nio.ByteBuffer

@OptIn(ExperimentalSerializationApi::class)
class TypedWalSpec :
    StringSpec({
        val codecs = mapOf<String, RecordCodec<Event>>(
            "CBOR" to Cbor.recordCodec(),
            "ProtoBuf" to ProtoBuf.recordCodec(),
            "JSON" to Json.recordCodec(),
        )

        for ((name, codec) in codecs) {
            "$name: what was appended in each way comes back in each way, subtypes included" {
                withLog { log, _ ->
                    val events = log.typed(codec)
                    events.append(EVENTS[0], Durability.BUFFERED) shouldBe 1
                    events.appendBatch(EVENTS.subList(1, 3)) shouldBe 3
                    events.tryAppend(EVENTS[3]) shouldBe 4
                    events.appendAsync(EVENTS[4], Durability.WRITTEN).reached.await() shouldBe 5
                    events.appendAndSync(EVENTS[5]) shouldBe 6
                    events.replay().map { it.value() }.toList() shouldContainExactly EVENTS
                    events.follow().take(6).map { it.value() }.toList() shouldContainExactly EVENTS
                    events.replay(5).map { it.lsn() }.toList() shouldContainExactly listOf(5L, 6L)
                    events.read(3).value() shouldBe EVENTS[2]
                }
            }

            "$name: an undecodable record fails where its value is asked for, and the flow goes on" {
                withLog { log, _ ->
                    val events = log.typed(codec)
                    events.append(EVENTS[0])
                    // No text, no message, no map.
                    log.append(ByteArray(7) { -1 })
                    events.append(EVENTS[1])
                    val read = events.replay().toList()
                    read.map { it.lsn() } shouldContainExactly listOf(1L, 2L, 3L)
                    read[0].value() shouldBe EVENTS[0]
                    shouldThrow<WalDecodingException> { read[1].value() }.lsn() shouldBe 2
                    read[2].value() shouldBe EVENTS[1]
                    shouldThrow<WalDecodingException> { events.read(2).value() }.lsn() shouldBe 2
                }
            }
        }

        "values get the LSN expected, or are not appended" {
            withLog { log, _ ->
                val events = log.typed(Json.recordCodec<Event>())
                events.appendIf(1, EVENTS[0]) shouldBe 1
                events.appendBatchIf(2, EVENTS.subList(1, 3)) shouldBe 3
                shouldThrow<WalConflictException> { events.appendIf(3, EVENTS[3]) }
                shouldThrow<WalConflictException> { events.appendBatchIf(3, EVENTS.subList(3, 5)) }
                events.replay().map { it.value() }.toList() shouldContainExactly EVENTS.subList(0, 3)
            }
        }

        "JSON: invalid UTF-8 is not repaired" {
            withLog { log, _ ->
                val invalid = "\"?\"".toByteArray().also { it[1] = 0xC3.toByte() }
                log.append(invalid)
                shouldThrow<WalDecodingException> {
                    log.typed(Json.recordCodec<String>()).read(1).value()
                }.lsn() shouldBe
                    1
            }
        }

        "what cannot be encoded is told, and nothing is appended" {
            withLog { log, _ ->
                val picky = log.typed(Json.recordCodec(EvenSerializer))
                shouldThrow<SerializationException> { picky.append(1) }
                shouldThrow<SerializationException> { picky.appendAndSync(1) }
                shouldThrow<SerializationException> { picky.tryAppend(1) }
                shouldThrow<SerializationException> { picky.appendAsync(1) }
                shouldThrow<SerializationException> { picky.appendBatch(listOf(2, 1)) }
                log.lastLsn shouldBe 0
                picky.append(2) shouldBe 1
            }
        }

        "a codec reads from a position to the limit, and what is around is not its business" {
            val codec = Json.recordCodec<String>()
            val text = "--\"a\"--".toByteArray()
            codec.decode(ByteBuffer.wrap(text, 2, 3)) shouldBe "a"
            codec.decode(ByteBuffer.wrap(text, 2, 3).asReadOnlyBuffer()) shouldBe "a"
        }

        "two codecs share one log" {
            withLog { log, _ ->
                log.typed(Json.recordCodec<String>()).append("a")
                log.typed(Cbor.recordCodec<Event>()).append(EVENTS[0])
                log.typed(Cbor.recordCodec<Event>()).read(2).value() shouldBe EVENTS[0]
                log.texts().first() shouldBe "\"a\""
            }
        }
    })

@Serializable
private sealed interface Event {
    @Serializable
    @SerialName("opened")
    data class Opened(val name: String, val tags: List<String> = emptyList()) : Event

    @Serializable
    @SerialName("moved")
    data class Moved(val x: Int, val y: Int?) : Event

    @Serializable
    @SerialName("closed")
    data object Closed : Event
}

private val EVENTS = listOf(
    Event.Opened("a", listOf("b", "ä€😀")),
    Event.Moved(1, -1),
    Event.Closed,
    Event.Opened(""),
    Event.Moved(Int.MAX_VALUE, 0),
    Event.Closed,
)

/** Encodes even numbers only. */
private object EvenSerializer : KSerializer<Int> {
    override val descriptor = PrimitiveSerialDescriptor("even", PrimitiveKind.INT)

    override fun serialize(encoder: Encoder, value: Int) {
        if (value % 2 != 0) throw SerializationException("$value is odd")
        encoder.encodeInt(value)
    }

    override fun deserialize(decoder: Decoder): Int = decoder.decodeInt()
}
