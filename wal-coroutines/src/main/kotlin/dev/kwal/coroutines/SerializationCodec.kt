package dev.kwal.coroutines

import dev.kwal.RecordCodec
import kotlinx.serialization.BinaryFormat
import kotlinx.serialization.KSerializer
import kotlinx.serialization.StringFormat
import kotlinx.serialization.serializer
import java.nio.ByteBuffer

/** Records in this format, such as CBOR or ProtoBuf. Needs kotlinx.serialization on the class path. */
public fun <T : Any> BinaryFormat.recordCodec(serializer: KSerializer<T>): RecordCodec<T> =
    SerializationCodec({ encodeToByteArray(serializer, it) }, { decodeFromByteArray(serializer, it) })

/** Records in this format. Needs kotlinx.serialization on the class path. */
public inline fun <reified T : Any> BinaryFormat.recordCodec(): RecordCodec<T> = recordCodec(
    serializersModule.serializer<T>(),
)

/** Records in this format, such as JSON, as UTF-8. Needs kotlinx.serialization on the class path. */
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
    override fun encode(value: T): ByteBuffer = ByteBuffer.wrap(toBytes(value))

    override fun decode(record: ByteBuffer): T = fromBytes(ByteArray(record.remaining()).also { record.get(it) })
}
