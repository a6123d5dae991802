package dev.kwal.samples.events

import dev.kwal.WalOptions
import dev.kwal.coroutines.SuspendingSnapshots
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.snapshots
import dev.kwal.storage.FileSnapshotStore
import dev.kwal.storage.FileStore
import dev.kwal.storage.SnapshotStore
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
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import java.nio.file.Path

/** Where the log is, and how it behaves. */
class KwalConfig {
    /** The directory of the log, created where missing. Needed unless there is a [store]. */
    var directory: Path? = null

    /** Where the segments are, if not in a [directory]. */
    var store: WalStore? = null

    /** Where its snapshots are, if not in `snapshots` below the [directory]. Needed with a [store]. */
    var snapshots: SnapshotStore? = null

    /** How the log behaves. */
    var options: WalOptions = WalOptions.DEFAULT

    internal var opened: suspend Application.(SuspendingWal) -> Unit = {}

    /**
     * What is done with the open log before the first request is accepted: to recover a state, for example. If it throws,
     * the log is closed and the application does not start.
     */
    fun onOpen(block: suspend Application.(SuspendingWal) -> Unit) {
        opened = block
    }

    internal fun chosenStore(): WalStore =
        store ?: FileStore.of(requireNotNull(directory) { "Kwal needs a directory or a store" })

    internal fun chosenSnapshots(): SnapshotStore = snapshots ?: FileSnapshotStore.of(
        requireNotNull(directory) { "Kwal needs a directory or a store of snapshots" }.resolve("snapshots"),
    )
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
    val snapshots = pluginConfig.chosenSnapshots()
    val options = pluginConfig.options
    val opened = pluginConfig.opened
    on(MonitoringEvent(ApplicationStarted)) { application ->
        // The snapshots tell a last record that has to be there: a log that has lost its end is refused.
        runBlocking { SuspendingSnapshots.openLog(store, snapshots, options).started(application, snapshots, opened) }
    }
    on(MonitoringEvent(ApplicationStopped)) { application ->
        val log = application.attributes.getOrNull(LogKey) ?: return@on
        // Ktor swallows what its listeners throw, and a log that could not be closed is worth a line.
        runCatching { runBlocking { log.close() } }.onFailure { application.log.error("the log was not closed: $it") }
    }
}

/** Ktor tells nobody of the end of an application that did not start, so what was opened is closed here. */
private suspend fun SuspendingWal.started(
    application: Application,
    store: SnapshotStore,
    opened: suspend Application.(SuspendingWal) -> Unit,
) {
    try {
        application.attributes.put(LogKey, this)
        application.attributes.put(SnapshotsKey, snapshots(store))
        application.opened(this)
    } catch (thrown: Throwable) {
        withContext(NonCancellable) { runCatching { close() }.onFailure(thrown::addSuppressed) }
        throw thrown
    }
}

private val LogKey = AttributeKey<SuspendingWal>("Kwal")
private val SnapshotsKey = AttributeKey<SuspendingSnapshots>("Kwal snapshots")

/** The application's log. There is one from the application's start on, not yet while modules are set up. */
val Application.kwal: SuspendingWal get() = attributes[LogKey]

/** The snapshots of the application's log: one object for all who publish. */
val Application.kwalSnapshots: SuspendingSnapshots get() = attributes[SnapshotsKey]

/** The application's log. */
val ApplicationCall.kwal: SuspendingWal get() = application.kwal
