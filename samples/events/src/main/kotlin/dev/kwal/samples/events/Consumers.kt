package dev.kwal.samples.events

import dev.kwal.WalGoneException
import dev.kwal.WalPin
import dev.kwal.coroutines.SuspendingPin
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.pin
import dev.kwal.coroutines.pins
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.ApplicationCall
import io.ktor.server.response.respond
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.routing.Route
import io.ktor.server.routing.delete
import io.ktor.server.routing.get
import io.ktor.server.routing.put
import io.ktor.server.routing.route
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.serialization.Serializable

/** A consumer by name: the last event that it has acknowledged, and how far it is behind. */
@Serializable
internal data class Consumer(val name: String, val lsn: Long, val lagRecords: Long, val lagBytes: Long)

/** All consumers. Each is a pin: the log keeps what is behind it, whatever the snapshots contain. */
internal fun SuspendingWal.consumers(): List<Consumer> = pins.mapNotNull { it.toConsumerOrNull() }

private fun SuspendingPin.toConsumerOrNull(): Consumer? = try {
    toConsumer()
} catch (_: WalGoneException) {
    // Dropped between two looks.
    null
}

private fun SuspendingPin.toConsumer(): Consumer {
    val lag = lag
    return Consumer(name, lsn, lag.records, lag.bytes)
}

/**
 * Consumers that must see every event, at their own pace, and over restarts of theirs and ours: a mailer, an export.
 *
 * A consumer asks for events, does its work, and acknowledges. What it has not acknowledged is kept, and handed out again: it
 * gets each event at least once. Only requests that no form of another site can send change anything.
 */
internal fun Route.consumers(readers: Places) = route("/consumers") {
    val making = Mutex()
    get { call.respondJson(HttpStatusCode.OK, call.kwal.consumers()) }
    route("/{name}") {
        put {
            val name = call.newConsumerName()
            val (status, pin) = making.withLock {
                val status = if (call.pinOrNull(name) == null) HttpStatusCode.Created else HttpStatusCode.OK
                if (status == HttpStatusCode.Created && call.kwal.pins.size >= MAX_CONSUMERS) {
                    refuse(HttpStatusCode.ServiceUnavailable, "there are $MAX_CONSUMERS consumers already")
                }
                // When the log is full, a consumer that lags gives way to events.
                status to call.kwal.pin(name, WalPin.Overflow.DROP)
            }
            call.respondJson(status, pin.toConsumer())
        }
        get { call.respondJson(HttpStatusCode.OK, call.pin().toConsumer()) }
        get("/events") {
            val from = call.pin().lsn + 1
            val limit = call.limit()
            readers.take {
                call.respondBytesWriter(NDJSON) { writeLines(call, from, limit) }
            }
        }
        put("/acknowledged") {
            val pin = call.pin()
            // Takes a few flushes, so it is for many events: durable when it is answered.
            pin.advance(call.acknowledged())
            call.respondJson(HttpStatusCode.OK, pin.toConsumer())
        }
        delete {
            call.pin().drop()
            call.respond(HttpStatusCode.NoContent)
        }
    }
}

private fun ApplicationCall.pinOrNull(name: String): SuspendingPin? = kwal.pins.find { it.name == name }

private fun ApplicationCall.pin(): SuspendingPin =
    pinOrNull(parameters["name"].orEmpty())
        ?: refuse(HttpStatusCode.NotFound, "there is no such consumer, it gave up or was dropped")

/** Far below the 1,024 pins that a log can have. */
internal const val MAX_CONSUMERS = 64
