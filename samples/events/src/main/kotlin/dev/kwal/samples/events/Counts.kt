package dev.kwal.samples.events

import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import java.io.InputStream
import java.io.OutputStream

/**
 * How many events of each type there are, up to a record: the state of the service, made from its events alone. Immutable.
 *
 * @property others how many events are of types that came when there were [MAX_TYPES] already
 */
@Serializable
internal data class Counts(
    val lsn: Long = 0,
    val types: Map<String, Long> = emptyMap(),
    val others: Long = 0,
) {
    fun plus(lsn: Long, event: Event): Counts {
        val count = types[event.type]
        return when {
            count == null && types.size == MAX_TYPES -> Counts(lsn, types, others + 1)
            else -> Counts(lsn, types + (event.type to (count ?: 0) + 1), others)
        }
    }

    /** As the content of a snapshot. */
    fun writeTo(target: OutputStream) = target.write(FORMAT.encodeToString(this).toByteArray())

    companion object {
        const val MAX_TYPES = 256

        /** Lenient about unknown fields, as a snapshot outlives programs, too. */
        private val FORMAT = Json { ignoreUnknownKeys = true }

        fun read(content: InputStream): Counts = FORMAT.decodeFromString(content.readBytes().decodeToString())
    }
}
