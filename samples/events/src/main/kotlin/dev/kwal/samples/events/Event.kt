package dev.kwal.samples.events

import dev.kwal.RecordCodec
import dev.kwal.TypedRecord
import dev.kwal.coroutines.recordCodec
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json

/** What happened. Posted by clients, and kept in the log as it is. */
@Serializable
@SerialName("event")
internal data class Event(val type: String, val text: String) {

    /** What is wrong with it; null if nothing is. */
    fun fault(): String? = when {
        type.isBlank() -> "type is blank"
        type.length > MAX_TYPE_CHARS -> "type has ${type.length} characters, at most $MAX_TYPE_CHARS are taken"
        text.length > MAX_TEXT_CHARS -> "text has ${text.length} characters, at most $MAX_TEXT_CHARS are taken"
        else -> null
    }

    companion object {
        const val MAX_TYPE_CHARS = 64
        const val MAX_TEXT_CHARS = 8 * 1024

        /** Lenient about unknown fields, because a log outlives programs: a newer one may have written it. */
        private val FORMAT = Json { ignoreUnknownKeys = true }

        val CODEC: RecordCodec<Event> = FORMAT.recordCodec<Event>()
    }
}

/** An event and its place in the log. */
@Serializable
internal data class LoggedEvent(val lsn: Long, val type: String, val text: String)

/** As one line of JSON. */
internal fun TypedRecord<Event>.toLine(): String {
    val event = value()
    return Json.encodeToString(LoggedEvent(lsn(), event.type, event.text))
}

/** The answer to an event that is durable. */
@Serializable
internal data class Receipt(val lsn: Long)

/** The answer to a request that was refused, and the last line of a stream that broke off. */
@Serializable
internal data class Fault(val error: String)
