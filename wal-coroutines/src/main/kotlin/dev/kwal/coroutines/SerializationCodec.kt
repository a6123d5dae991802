package dev.kwal.coroutines

import dev.kwal.RecordCodec
import kotlinx.serialization.BinaryFormat
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.KSerializer
import kotlinx.serialization.MissingFieldException
import kotlinx.serialization.SerializationException
import kotlinx.serialization.StringFormat
import kotlinx.serialization.serializer
import java.nio.ByteBuffer

/**
 * Records in this format, such as CBOR or ProtoBuf. Needs kotlinx.serialization on the class path.
 *
 * What cannot be encoded or decoded is a [SerializationException] that names the type of the failure, its place in the
 * program and missing fields, and repeats nothing of the record: what formats throw quotes it, and ends in logs.
 */
public fun <T : Any> BinaryFormat.recordCodec(serializer: KSerializer<T>): RecordCodec<T> =
    SerializationCodec({ encodeToByteArray(serializer, it) }, { decodeFromByteArray(serializer, it) })

/** Records in this format. Needs kotlinx.serialization on the class path. */
public inline fun <reified T : Any> BinaryFormat.recordCodec(): RecordCodec<T> = recordCodec(
    serializersModule.serializer<T>(),
)

/**
 * Records in this format, such as JSON, as UTF-8. Needs kotlinx.serialization on the class path. Failures are those of
 * [BinaryFormat.recordCodec].
 */
public fun <T : Any> StringFormat.recordCodec(serializer: KSerializer<T>): RecordCodec<T> = SerializationCodec(
    { encodeToString(serializer, it).encodeToByteArray() },
    { decodeFromString(serializer, it.decodeToString(throwOnInvalidSequence = true)) },
)

/** Records in this format, as UTF-8. Needs kotlinx.serialization on the class path. */
public inline fun <reified T : Any> StringFormat.recordCodec(): RecordCodec<T> = recordCodec(
    serializersModule.serializer<T>(),
)

private class SerializationCodec<T : Any>(
    private val toBytes: (T) -> ByteArray,
    private val fromBytes: (ByteArray) -> T,
) : RecordCodec<T> {
    override fun encode(value: T): ByteBuffer = withoutContents("encoded") { ByteBuffer.wrap(toBytes(value)) }

    override fun decode(record: ByteBuffer): T = withoutContents("decoded") {
        fromBytes(ByteArray(record.remaining()).also { record.get(it) })
    }
}

/** A record can be nested deeper than the stack, which is then as good as before. */
private inline fun <R> withoutContents(done: String, step: () -> R): R = try {
    step()
} catch (e: Exception) {
    throw scrubbed(done, e)
} catch (e: StackOverflowError) {
    throw scrubbed(done, e)
}

@OptIn(ExperimentalSerializationApi::class)
private fun scrubbed(done: String, thrown: Throwable): SerializationException {
    val missing = if (thrown is MissingFieldException) " of ${thrown.missingFields}" else ""
    val scrubbed = SerializationException("cannot be $done: ${thrown.javaClass.name}$missing")
    scrubbed.stackTrace = thrown.stackTrace
    return scrubbed
}
