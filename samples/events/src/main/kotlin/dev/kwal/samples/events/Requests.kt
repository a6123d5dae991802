package dev.kwal.samples.events

import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.ApplicationCall
import io.ktor.server.request.contentLength
import io.ktor.server.request.contentType
import io.ktor.server.request.header
import io.ktor.server.request.receiveChannel
import io.ktor.server.response.header
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.cancel
import io.ktor.utils.io.discard
import io.ktor.utils.io.readRemaining
import kotlinx.coroutines.job
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.io.readByteArray
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import java.io.IOException
import kotlin.time.Duration.Companion.seconds

/** A request that is not served, and why, for the client to read. */
internal class Refusal(val status: HttpStatusCode, override val message: String) : Exception(message)

internal fun refuse(status: HttpStatusCode, why: String): Nothing = throw Refusal(status, why)

private fun badRequest(why: String): Nothing = refuse(HttpStatusCode.BadRequest, why)

/** The event in the body. Asking for JSON also keeps other sites' forms out: browsers do not let them send it. */
internal suspend fun ApplicationCall.receiveEvent(): Event {
    if (!request.contentType().match(ContentType.Application.Json)) {
        refuse(HttpStatusCode.UnsupportedMediaType, "the body is ${request.contentType()}, expected application/json")
    }
    val event = try {
        Json.decodeFromString<Event>(receiveBody().decodeToString(throwOnInvalidSequence = true))
    } catch (malformed: SerializationException) {
        // The lines behind the first quote the input.
        badRequest(malformed.message.orEmpty().lineSequence().first())
    } catch (_: CharacterCodingException) {
        badRequest("the body is not UTF-8")
    }
    event.fault()?.let(::badRequest)
    return event
}

/** The body, if it is short enough and comes in time. */
private suspend fun ApplicationCall.receiveBody(): ByteArray {
    val announced = request.contentLength() ?: 0
    if (announced > MAX_BODY_BYTES && request.header(HttpHeaders.Expect) != null) tooLarge()
    val body = receiveChannel()
    val bytes = try {
        withTimeoutOrNull(BODY_TIME) { body.readRemaining(MAX_BODY_BYTES + 1L).readByteArray() }
    } catch (cut: IOException) {
        badRequest("the body broke off: ${cut.message}")
    }
    if (bytes == null) refuse(HttpStatusCode.RequestTimeout, "the body took longer than $BODY_TIME")
    if (bytes.size < announced.coerceAtMost(MAX_BODY_BYTES + 1L)) badRequest("the body broke off")
    if (bytes.size > MAX_BODY_BYTES) {
        leave(body)
        tooLarge()
    }
    return bytes
}

/** Reads on for a while, because many clients hear an answer only when they have sent their request. */
private suspend fun ApplicationCall.leave(body: ByteReadChannel) {
    coroutineContext.job.invokeOnCompletion { body.cancel() }
    withTimeoutOrNull(BODY_TIME) { body.discard(MAX_IGNORED_BYTES) }
}

private fun ApplicationCall.tooLarge(): Nothing {
    response.header(HttpHeaders.Connection, "close")
    refuse(HttpStatusCode.PayloadTooLarge, "the body is too large, at most $MAX_BODY_BYTES bytes are taken")
}

/** Where to begin, by the parameter `from`; null if there is none. */
internal fun ApplicationCall.from(): Long? = number("from", request.queryParameters["from"])?.also(::checkPresent)

/** How many events to send at most. */
internal fun ApplicationCall.limit(): Long {
    val limit = number("limit", request.queryParameters["limit"]) ?: return Long.MAX_VALUE
    if (limit < 1) badRequest("limit is $limit, expected 1 or more")
    return limit
}

/** Where to go on, by the header that a browser sends when it connects again. Null if there is none. */
internal fun ApplicationCall.resumption(): Long? {
    val lastId = number("Last-Event-ID", request.header("Last-Event-ID")?.ifEmpty { null }) ?: return null
    if (lastId !in 0..kwal.lastLsn) badRequest("Last-Event-ID is $lastId, expected 0 to ${kwal.lastLsn}")
    return (lastId + 1).also(::checkPresent)
}

/** Through which event a consumer has done its work, by the parameter `lsn`. */
internal fun ApplicationCall.acknowledged(): Long {
    val lsn = number("lsn", request.queryParameters["lsn"]) ?: badRequest("lsn is missing")
    if (lsn !in 0..kwal.durableLsn.value) badRequest("lsn is $lsn, expected 0 to ${kwal.durableLsn.value}")
    return lsn
}

/** A name that reads the same in a path, in the log and in the metrics. */
internal fun ApplicationCall.newConsumerName(): String {
    val name = parameters["name"].orEmpty()
    if (!CONSUMER_NAME.matches(name)) badRequest("the name does not match $CONSUMER_NAME")
    return name
}

private fun number(name: String, text: String?): Long? {
    if (text == null) return null
    return text.toLongOrNull() ?: badRequest("$name is '${text.take(MAX_QUOTED_CHARS)}', expected a number")
}

/** Says it before the answer begins. The log says the same, but only to whoever has begun to read. */
private fun ApplicationCall.checkPresent(from: Long) {
    val end = kwal.lastLsn + 1
    if (from !in 0..end) badRequest("from is $from, expected 0 to $end")
    if (from in 1..<kwal.firstLsn) refuse(HttpStatusCode.Gone, "event $from is gone, the first is ${kwal.firstLsn}")
}

/** Enough for the longest event, whose every character may come as an escape of six bytes. */
internal const val MAX_BODY_BYTES = 64 * 1024
private const val MAX_IGNORED_BYTES = 1024 * 1024L
private const val MAX_QUOTED_CHARS = 32
private val CONSUMER_NAME = Regex("[a-z0-9-]{1,64}")
private val BODY_TIME = 20.seconds
