package dev.kwal.samples.events

import io.ktor.http.HttpHeaders
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationPlugin
import io.ktor.server.application.ApplicationStopPreparing
import io.ktor.server.application.createApplicationPlugin
import io.ktor.server.application.hooks.CallSetup
import io.ktor.server.application.hooks.MonitoringEvent
import io.ktor.server.response.header
import io.ktor.util.AttributeKey
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.Job
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.job
import kotlinx.coroutines.launch

/**
 * Ends the application as soon as the requests in flight are answered.
 *
 * Ktor alone accepts no new connections, and then waits for the open ones until its grace period is over: for requests in
 * flight, but as patiently for idle connections, which browsers keep, and for live streams, which never end. So this ends
 * the streams, tells the clients to close their connections, and cuts what is left once nobody is owed an answer. The
 * engine's grace period remains the limit for requests that do not end.
 */
internal val Draining: ApplicationPlugin<Unit> = createApplicationPlugin("Draining") {
    val drain = Drain()
    application.attributes.put(DrainKey, drain)
    on(CallSetup) { call -> drain.enter(call.coroutineContext.job) }
    onCallRespond { call ->
        if (drain.hasBegun && call.response.headers[HttpHeaders.Connection] == null) {
            call.response.header(HttpHeaders.Connection, "close")
        }
    }
    on(MonitoringEvent(ApplicationStopPreparing)) {
        if (drain.begin()) {
            application.launch {
                drain.awaitEmpty()
                application.engine.stopSuspend(LINGER_MILLIS, LINGER_MILLIS)
            }
        }
    }
}

/** Who is in flight, and whether it is time to go. */
internal class Drain {
    private val inFlight = MutableStateFlow(0)
    private val begun: CompletableJob = Job()

    val hasBegun: Boolean get() = begun.isCompleted

    fun enter(call: Job) {
        inFlight.update { it + 1 }
        call.invokeOnCompletion { inFlight.update { it - 1 } }
    }

    /** Whether this was the first call. */
    fun begin(): Boolean = begun.complete()

    suspend fun awaitEmpty() {
        inFlight.first { it == 0 }
    }

    /** Runs [stream] until it ends, or has to because the application does. */
    suspend fun whileOpen(stream: suspend () -> Unit) = coroutineScope {
        val streaming = launch { stream() }
        val watch = begun.invokeOnCompletion { streaming.cancel() }
        streaming.invokeOnCompletion { watch.dispose() }
    }
}

private val DrainKey = AttributeKey<Drain>("Drain")

internal val Application.drain: Drain get() = attributes[DrainKey]

/** For the last bytes, on their way to clients, and for clients to close their connections. */
private const val LINGER_MILLIS = 1_000L
