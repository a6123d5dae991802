package dev.kwal.samples.kv

import dev.kwal.RecordCodec
import java.io.IOException
import java.nio.ByteBuffer

/**
 * What one record says.
 *
 * ```
 *   byte   'P' or 'R'
 *   int    how many bytes the key has
 *   bytes  the key, UTF-8
 *   bytes  the value, UTF-8, to the end; none after 'R'
 * ```
 */
internal sealed interface Change {
    val key: String

    data class Put(override val key: String, val value: String) : Change

    data class Remove(override val key: String) : Change

    /** Changes as records. */
    companion object Codec : RecordCodec<Change> {
        private const val PUT = 'P'.code.toByte()
        private const val REMOVE = 'R'.code.toByte()
        private const val HEADER_BYTES = 1 + Int.SIZE_BYTES

        /** @throws IllegalArgumentException for half a surrogate pair, which would come back as another string */
        override fun encode(value: Change): ByteBuffer {
            val keyBytes = utf8(value.key)
            val valueBytes = if (value is Put) utf8(value.value) else ByteArray(0)
            val kind = if (value is Put) PUT else REMOVE
            val record = ByteBuffer.allocate(HEADER_BYTES + keyBytes.size + valueBytes.size)
            return record.put(kind).putInt(keyBytes.size).put(keyBytes).put(valueBytes).flip()
        }

        /** @throws IOException if the record is not a change; a guess would be a wrong map */
        override fun decode(record: ByteBuffer): Change {
            if (record.remaining() < HEADER_BYTES) throw IOException("too short for a change")
            val kind = record.get()
            val keyLength = record.getInt()
            if (keyLength !in 0..record.remaining()) throw IOException("the key ends behind the record")
            val key = record.text(keyLength)
            return when {
                kind == PUT -> Put(key, record.text(record.remaining()))
                kind == REMOVE && !record.hasRemaining() -> Remove(key)
                else -> throw IOException("neither put nor remove")
            }
        }

        private fun utf8(text: String): ByteArray = try {
            text.encodeToByteArray(throwOnInvalidSequence = true)
        } catch (e: CharacterCodingException) {
            throw IllegalArgumentException("not valid Unicode: $text", e)
        }

        private fun ByteBuffer.text(length: Int): String = ByteArray(length).also { get(it) }.decodeToString()
    }
}

/** A record that no key-value store has written: the log belongs to somebody else. */
class ForeignRecordException internal constructor(lsn: Long, cause: IOException) :
    IOException("record $lsn is not a change: ${cause.message}", cause)
