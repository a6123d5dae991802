package dev.kwal.samples.events

import dev.kwal.WalClosedException
import dev.kwal.WalFailedException
import dev.kwal.WalGoneException
import dev.kwal.WalNoSpaceException
import dev.kwal.WalOptions
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCall
import io.ktor.server.application.install
import io.ktor.server.application.log
import io.ktor.server.plugins.statuspages.StatusPages
import io.ktor.server.plugins.statuspages.StatusPagesConfig
import io.ktor.server.response.header
import io.ktor.server.routing.routing
import kotlinx.coroutines.CancellationException

/** The options of the service's log: no record is longer than what a body may hold. */
internal val LOG_OPTIONS: WalOptions =
    WalOptions.DEFAULT.withSegmentBytes(16L shl 20).withMaxRecordBytes(MAX_BODY_BYTES)

/** The service, its log as [configureLog] says. */
internal fun Application.service(maxFollowers: Int, configureLog: KwalConfig.() -> Unit) {
    install(Draining)
    install(Kwal) {
        options = LOG_OPTIONS
        configureLog()
    }
    install(StatusPages) { explain() }
    val readers = Places(MAX_READERS)
    val followers = Places(maxFollowers)
    routing {
        append()
        replay(readers)
        follow(followers)
        health(followers)
        page()
    }
}

/** What is answered when something is thrown: a reason, never a stack trace. */
private fun StatusPagesConfig.explain() {
    exception<Refusal> { call, refusal -> call.fault(refusal.status, refusal.message) }
    exception<WalNoSpaceException> { call, cause ->
        // The request was right and nothing was appended; there is nowhere to put it until somebody frees space.
        call.fault(HttpStatusCode.InsufficientStorage, "not appended, as there is no space: ${cause.message}")
    }
    exception<WalFailedException> { call, _ ->
        call.fault(HttpStatusCode.ServiceUnavailable, "the log has failed; whether the event is in it is unknown")
    }
    exception<WalClosedException> { call, _ ->
        call.fault(HttpStatusCode.ServiceUnavailable, "the service is stopping")
    }
    exception<WalGoneException> { call, cause -> call.fault(HttpStatusCode.Gone, cause.message.orEmpty()) }
    exception<Throwable> { call, cause ->
        if (cause is CancellationException) throw cause
        call.application.log.error("a request failed", cause)
        call.fault(HttpStatusCode.InternalServerError, "an error of the service, see its log")
    }
    status(HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed) { call, status ->
        call.fault(status, status.description.lowercase())
    }
}

private suspend fun ApplicationCall.fault(status: HttpStatusCode, why: String) {
    if (status == HttpStatusCode.ServiceUnavailable) response.header(HttpHeaders.RetryAfter, "5")
    respondJson(status, Fault(why))
}

private const val MAX_READERS = 64
