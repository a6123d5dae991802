package dev.kwal.coroutines

import dev.kwal.WalDecodingException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.cbor.Cbor
import kotlinx.serialization.json.Json
import kotlinx.serialization.protobuf.ProtoBuf

private const val CANARY = "canary"

@Serializable
private data class Payment(val account: String, val amount: Double)

/** What formats throw quotes the record; what a log throws does not. */
@OptIn(ExperimentalSerializationApi::class)
class SecrecySpec :
    StringSpec({
        val codecs = mapOf(
            "JSON" to Json.recordCodec<Payment>(),
            "CBOR" to Cbor.recordCodec(),
            "ProtoBuf" to ProtoBuf.recordCodec(),
        )
        val undecodable = listOf(
            """{"account":"$CANARY"}""",
            """{"account":"$CANARY","amount":"$CANARY"}""",
            """{"account":"$CANARY","amount":1.0,"$CANARY":1}""",
            """{"account":"$CANARY""",
            CANARY,
        )

        for ((name, codec) in codecs) {
            "$name: a record that cannot be decoded shows nowhere in what is thrown" {
                withLog { log, _ ->
                    for (record in undecodable) {
                        val lsn = log.append(record.toByteArray())
                        val thrown = shouldThrow<WalDecodingException> { log.typed(codec).read(lsn).value() }
                        thrown.stackTraceToString() shouldNotContain CANARY
                    }
                }
            }
        }

        "a value that cannot be encoded shows nowhere in what is thrown" {
            val thrown = shouldThrow<SerializationException> {
                Json.recordCodec<Payment>().encode(Payment(CANARY, Double.NaN))
            }
            thrown.stackTraceToString() shouldNotContain CANARY
        }

        "missing fields are named, and the place in the program" {
            withLog { log, _ ->
                log.append(undecodable[0].toByteArray())
                val thrown = shouldThrow<WalDecodingException> { log.typed(codecs.getValue("JSON")).read(1).value() }
                thrown.stackTraceToString() shouldContain "MissingFieldException of [amount]"
                thrown.stackTraceToString() shouldContain "at kotlinx.serialization"
            }
        }

        "a record that is nested too deeply cannot be decoded, and no more than that" {
            withLog { log, _ ->
                log.append("""{"name":"","children":[""".repeat(100_000).toByteArray())
                shouldThrow<WalDecodingException> { log.typed(Json.recordCodec<Tree>()).read(1).value() }
            }
        }
    })
