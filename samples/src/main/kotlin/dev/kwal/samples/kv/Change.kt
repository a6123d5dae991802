package dev.kwal.samples.kv

import dev.kwal.WalRecord
import java.io.IOException
import java.nio.ByteBuffer

/**
 * What one record says. It names the outcome, not the way there: applying it again changes nothing, which is what lets a
 * compaction copy it.
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

    /** @throws IllegalArgumentException for half a surrogate pair, which would come back as another string */
    fun record(): ByteBuffer {
        val keyBytes = utf8(key)
        val valueBytes = if (this is Put) utf8(value) else ByteArray(0)
        val record = ByteBuffer.allocate(HEADER_BYTES + keyBytes.size + valueBytes.size)
        return record.put(if (this is Put) PUT else REMOVE).putInt(keyBytes.size).put(keyBytes).put(valueBytes).flip()
    }

    companion object {
        private const val PUT = 'P'.code.toByte()
        private const val REMOVE = 'R'.code.toByte()
        private const val HEADER_BYTES = 1 + Int.SIZE_BYTES

        /** @throws ForeignRecordException if the record is not a change; a guess would be a wrong map */
        fun of(record: WalRecord): Change {
            val bytes = record.toByteBuffer()
            if (bytes.remaining() < HEADER_BYTES) throw ForeignRecordException(record)
            val kind = bytes.get()
            val keyLength = bytes.getInt()
            if (keyLength !in 0..bytes.remaining()) throw ForeignRecordException(record)
            val key = bytes.text(keyLength)
            return when {
                kind == PUT -> Put(key, bytes.text(bytes.remaining()))
                kind == REMOVE && !bytes.hasRemaining() -> Remove(key)
                else -> throw ForeignRecordException(record)
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
class ForeignRecordException internal constructor(record: WalRecord) : IOException("$record is not a change")
