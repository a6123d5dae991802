package dev.kwal.samples.events

import dev.kwal.coroutines.LogState
import io.ktor.server.application.Application
import kotlinx.serialization.Serializable

/** What a load balancer, or whoever is on call, wants to know. */
@Serializable
internal data class Health(
    val state: String,
    val cause: String?,
    val firstLsn: Long,
    val lastLsn: Long,
    val durableLsn: Long,
    val sizeBytes: Long,
    val segments: Int,
    val followers: Int,
    val recovery: String,
    val replayed: Long,
    val snapshotLsn: Long,
) {
    val isWell: Boolean get() = state == OPEN

    companion object {
        private const val OPEN = "open"

        fun of(application: Application, followers: Places): Health {
            val log = application.kwal
            val (state, cause) = when (val state = log.state.value) {
                LogState.Open -> if (application.drain.hasBegun) "stopping" to null else OPEN to null
                is LogState.NoSpace -> "no space" to state.cause
                is LogState.Failed -> "failed" to state.cause
                LogState.Closed -> "closed" to null
            }
            return Health(
                state,
                cause?.toString(),
                log.firstLsn,
                log.lastLsn,
                log.durableLsn.value,
                log.sizeBytes,
                log.segments.size,
                followers.count,
                log.recovery.toString(),
                application.tally.replayed,
                application.tally.snapshotLsn,
            )
        }
    }
}
