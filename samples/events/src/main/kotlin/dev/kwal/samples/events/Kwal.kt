package dev.kwal.samples.events

import dev.kwal.WalOptions
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.storage.FileStore
import dev.kwal.storage.WalStore
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCall
import io.ktor.server.application.ApplicationPlugin
import io.ktor.server.application.ApplicationStarted
import io.ktor.server.application.ApplicationStopped
import io.ktor.server.application.createApplicationPlugin
import io.ktor.server.application.hooks.MonitoringEvent
import io.ktor.server.application.log
import io.ktor.util.AttributeKey
import kotlinx.coroutines.runBlocking
import java.nio.file.Path

/** Where the log is, and how it behaves. */
class KwalConfig {
    /** The directory of the log, created where missing. Needed unless there is a [store]. */
    var directory: Path? = null

    /** Where the segments are, if not in a [directory]. */
    var store: WalStore? = null

    /** How the log behaves. */
    var options: WalOptions = WalOptions.DEFAULT

    internal fun chosenStore(): WalStore =
        store ?: FileStore.of(requireNotNull(directory) { "Kwal needs a directory or a store" })
}

/**
 * A log that lives as long as its application: `install(Kwal) { directory = … }`.
 *
 * Always: it is open before the first request is accepted, or the application does not start; it is closed when the last
 * request has ended, so that no handler ever meets a closed log. Closing syncs, and the next start finds the log *clean*.
 *
 * It opens when the application has *started*, not when the plugin is installed: Ktor gives modules ten seconds, and
 * recovery of a large log may take longer. Events are told on Ktor's own threads, so the blocking here holds up nobody.
 */
val Kwal: ApplicationPlugin<KwalConfig> = createApplicationPlugin("Kwal", ::KwalConfig) {
    val store = pluginConfig.chosenStore()
    val options = pluginConfig.options
    on(MonitoringEvent(ApplicationStarted)) { application ->
        application.attributes.put(LogKey, runBlocking { SuspendingWal.open(store, options) })
    }
    on(MonitoringEvent(ApplicationStopped)) { application ->
        val log = application.attributes.getOrNull(LogKey) ?: return@on
        // Ktor swallows what its listeners throw, and a log that could not be closed is worth a line.
        runCatching { runBlocking { log.close() } }.onFailure { application.log.error("the log was not closed: $it") }
    }
}

private val LogKey = AttributeKey<SuspendingWal>("Kwal")

/** The application's log. There is one from the application's start on, not yet while modules are set up. */
val Application.kwal: SuspendingWal get() = attributes[LogKey]

/** The application's log. */
val ApplicationCall.kwal: SuspendingWal get() = application.kwal
