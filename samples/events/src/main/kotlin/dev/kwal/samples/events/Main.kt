package dev.kwal.samples.events

import io.ktor.server.application.ApplicationStopped
import io.ktor.server.application.ServerReady
import io.ktor.server.application.serverConfig
import io.ktor.server.cio.CIO
import io.ktor.server.cio.CIOApplicationEngine
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.runBlocking
import java.io.IOException
import kotlin.system.exitProcess

/** Serves until it is told to stop, by SIGTERM or Ctrl-C. */
fun main(vararg arguments: String) {
    val settings = try {
        Settings.of(arguments.toList(), System.getenv())
    } catch (mistake: IllegalArgumentException) {
        System.err.println("${mistake.message}\n${Settings.USAGE}")
        exitProcess(2)
    }
    try {
        server(settings).start(wait = true)
    } catch (cause: IOException) {
        // Somebody else has the log, it is damaged, or it is no log of events: the message says which.
        System.err.println("cannot open the log in ${settings.directory}: ${cause.message}")
        exitProcess(1)
    } catch (cancelled: CancellationException) {
        // The engine's way to say that it could not listen. The log is open by now, and closed on exit.
        System.err.println("cannot listen on ${settings.host}:${settings.port}: ${cancelled.cause}")
        exitProcess(1)
    }
}

/** Ktor stops it when the process is told to end: its shutdown hook returns when the log is closed. */
private fun server(settings: Settings): EmbeddedServer<CIOApplicationEngine, CIOApplicationEngine.Configuration> {
    val config = serverConfig {
        parentCoroutineContext = CoroutineExceptionHandler { _, cause ->
            // An address in use, for example: main tells it too, and no stack trace says more.
            if (cause is IOException) environment.log.warn("$cause") else environment.log.error("uncaught", cause)
        }
        module { service(settings.followers, settings.snapshot) { directory = settings.directory } }
    }
    val server = embeddedServer(
        CIO,
        config,
        configure = {
            connector {
                host = settings.host
                port = settings.port
            }
            reuseAddress = true
            shutdownGracePeriod = GRACE_MILLIS
            shutdownTimeout = GRACE_MILLIS + CUT_MILLIS
        },
    )
    server.monitor.subscribe(ServerReady) {
        val address = runBlocking { server.engine.resolvedConnectors().first() }
        println("The log is in ${settings.directory}")
        println("Recovery found: ${server.application.kwal.recovery}")
        val tally = server.application.tally
        println("Counted: the snapshot through event ${tally.snapshotLsn}, and ${tally.replayed} events behind it")
        println("Listening on http://${address.host}:${address.port}/")
        // Listeners are told in the order in which they subscribed, so this one after the plugin that closes the log.
        server.monitor.subscribe(ApplicationStopped) { println("Closed.") }
    }
    return server
}

/** How long requests in flight may take when the service stops, and how long cutting them off may take. */
private const val GRACE_MILLIS = 10_000L
private const val CUT_MILLIS = 5_000L
