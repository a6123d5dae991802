package dev.kwal.samples.events

import dev.kwal.WalException
import dev.kwal.coroutines.LogState
import dev.kwal.coroutines.SuspendingTypedWal
import dev.kwal.coroutines.typed
import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.http.withCharset
import io.ktor.server.application.ApplicationCall
import io.ktor.server.application.install
import io.ktor.server.http.HttpRequestLifecycle
import io.ktor.server.response.header
import io.ktor.server.response.respond
import io.ktor.server.response.respondBytes
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.response.respondText
import io.ktor.server.routing.Route
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.sse.SSEServerContent
import io.ktor.server.sse.ServerSSESession
import io.ktor.server.sse.heartbeat
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.writeStringUtf8
import kotlinx.coroutines.flow.takeWhile
import kotlinx.serialization.json.Json
import kotlin.time.Duration.Companion.seconds

private val ApplicationCall.events: SuspendingTypedWal<Event> get() = kwal.typed(Event.CODEC)

/** `POST /events`: answers when the event survives power loss. A client that got no answer cannot know, and may ask. */
internal fun Route.append() = post("/events") {
    val lsn = call.events.appendAndSync(call.receiveEvent())
    call.response.header(HttpHeaders.Location, "/events?from=$lsn&limit=1")
    call.respondJson(HttpStatusCode.Created, Receipt(lsn))
}

/**
 * `GET /events`: what is there now, a line of JSON each. A client that reads slowly slows the reading of the log, and costs
 * a bounded amount of memory.
 *
 * Only what is durable is told. A log replays also what was appended and is not synced yet; a client that had seen such
 * an event could see it gone after a loss of power.
 */
internal fun Route.replay(readers: Places) = get("/events") {
    val from = call.from() ?: 0
    val limit = call.limit()
    readers.take {
        call.respondBytesWriter(NDJSON) { writeLines(call, from, limit) }
    }
}

internal suspend fun ByteWriteChannel.writeLines(call: ApplicationCall, from: Long, limit: Long) {
    val through = call.kwal.durableLsn.value
    var count = 0L
    try {
        call.events.replay(from).takeWhile { count++ < limit && it.lsn() <= through }.collect {
            writeStringUtf8(it.toLine() + "\n")
        }
    } catch (broken: WalException) {
        writeStringUtf8(Json.encodeToString(Fault(broken.message.orEmpty())) + "\n")
    }
}

/**
 * `GET /events/live`: server-sent events, those to come included. The ID of each is its LSN, and browsers send the last
 * one they saw when they connect again. As LSNs have no gaps, neither has the stream.
 */
internal fun Route.follow(followers: Places) = route("/events/live") {
    // Notices a client that went away although there is nothing to send to it.
    install(HttpRequestLifecycle) { cancelCallOnClose = true }
    get {
        val from = call.resumption() ?: call.from() ?: (call.kwal.lastLsn + 1)
        // Browsers that lost their stream connect again until they are refused.
        if (call.kwal.state.value is LogState.Failed) {
            refuse(HttpStatusCode.ServiceUnavailable, "the log has failed, nothing is to come")
        }
        followers.take {
            call.response.header(HttpHeaders.CacheControl, "no-store")
            call.respond(SSEServerContent(call, { call.application.drain.whileOpen { follow(from) } }))
        }
    }
}

private suspend fun ServerSSESession.follow(from: Long) {
    heartbeat { period = HEARTBEAT }
    try {
        call.events.follow(from).collect { send(data = it.toLine(), id = it.lsn().toString()) }
    } catch (broken: WalException) {
        send(data = Json.encodeToString(Fault(broken.message.orEmpty())), event = "fault")
    }
}

/** `GET /types`: how many events there are of each type, every event included that was durable when it was asked. */
internal fun Route.types() = get("/types") { call.respondJson(HttpStatusCode.OK, call.application.tally.counts()) }

/** `GET /metrics`: for Prometheus. */
internal fun Route.metrics(metrics: Metrics) = get("/metrics") {
    call.respondText(metrics.scrape(call.kwal), Metrics.TEXT)
}

/** `GET /health`: 200 if events are taken. */
internal fun Route.health(followers: Places) = get("/health") {
    val health = Health.of(call.application, followers)
    call.respondJson(if (health.isWell) HttpStatusCode.OK else HttpStatusCode.ServiceUnavailable, health)
}

/** `GET /`: a page that posts events and shows them as they come. */
internal fun Route.page() {
    val page = checkNotNull(Event::class.java.getResource("/index.html")).readBytes()
    get("/") {
        call.response.header("Content-Security-Policy", PAGE_MAY)
        call.respondBytes(page, ContentType.Text.Html.withCharset(Charsets.UTF_8))
    }
}

internal suspend inline fun <reified T> ApplicationCall.respondJson(status: HttpStatusCode, body: T) =
    respondText(Json.encodeToString(body), ContentType.Application.Json, status)

private const val PAGE_MAY = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; " +
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
internal val NDJSON = ContentType("application", "x-ndjson")
private val HEARTBEAT = 15.seconds
