package dev.kwal.samples.events

import dev.kwal.Retention
import dev.kwal.WalClosedException
import dev.kwal.WalFailedException
import dev.kwal.WalGoneException
import dev.kwal.WalListener
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
import io.ktor.util.AttributeKey
import io.ktor.util.logging.Logger
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.launch
import java.time.Duration

/**
 * The options of the service's log: no record is longer than what a body may hold, and it does not fill the disk because a
 * consumer was forgotten.
 */
internal val LOG_OPTIONS: WalOptions = WalOptions.DEFAULT
    .withSegmentBytes(16L shl 20)
    .withMaxRecordBytes(MAX_BODY_BYTES)
    .withRetention(Retention.UNLIMITED.withMaxBytes(4L shl 30))

/** How many events there are between two snapshots. */
internal const val SNAPSHOT_EVERY = 10_000

/** The log is kept from the older of two snapshots on: three times as many of the longest events are within its quota. */
internal const val MAX_SNAPSHOT_EVERY = 20_000

/** The service, its log as [configureLog] says. */
internal fun Application.service(
    maxFollowers: Int,
    snapshotEvery: Int = SNAPSHOT_EVERY,
    configureLog: KwalConfig.() -> Unit,
) {
    val metrics = Metrics()
    install(Draining)
    install(Kwal) {
        options = LOG_OPTIONS.withListener(Warnings(log))
        configureLog()
        onOpen { log ->
            val tally = Tally.recover(log, kwalSnapshots, snapshotEvery, this.log)
            attributes.put(TallyKey, tally)
            metrics.watch(log, tally)
            // Ends with the application, which is before the log is closed.
            launch { tally.run() }
        }
    }
    install(StatusPages) { explain() }
    val readers = Places(MAX_READERS)
    val followers = Places(maxFollowers)
    routing {
        append()
        replay(readers)
        follow(followers)
        consumers(readers)
        types()
        health(followers)
        metrics(metrics)
        page()
    }
}

/** What whoever is on call should read. */
private class Warnings(private val logger: Logger) : WalListener {
    override fun pinDropped(name: String, lsn: Long) =
        logger.warn("the log is full: consumer $name was dropped, it had acknowledged event $lsn")

    override fun slowFlush(running: Duration) = logger.warn("a flush has been running for $running")
}

private val TallyKey = AttributeKey<Tally>("Tally")

/** The application's tally. There is one when there is a log. */
internal val Application.tally: Tally get() = attributes[TallyKey]

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
