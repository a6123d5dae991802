package dev.kwal.samples.events

import dev.kwal.SnapshotRecovery.Recovered
import dev.kwal.WalException
import dev.kwal.coroutines.SuspendingSnapshots
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.typed
import io.ktor.util.logging.Logger
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.serialization.SerializationException
import java.io.IOException

/**
 * Counts the events of a log, and takes snapshots of the counts, so that the next start need not count all over again and
 * the log can be dropped up to them.
 *
 * Always: one coroutine, that of [run], counts, and takes each snapshot between two events. So there is nothing to lock, and
 * what a snapshot contains is the state after its LSN and no later one. Appends wait for neither.
 *
 * Threads: any, but for [run].
 */
internal class Tally private constructor(
    private val log: SuspendingWal,
    private val snapshots: SuspendingSnapshots,
    private val snapshotEvery: Int,
    private val logger: Logger,
    recovered: Recovered<Counts>,
) {
    private val progress = MutableStateFlow(Progress(recovered.state))
    private var dueLsn = (recovered.snapshot?.lsn() ?: 0) + snapshotEvery

    /** How many events had to be read when it was recovered. */
    val replayed: Long = recovered.records

    /** What the newest snapshot contains; 0 if there is none. */
    @Volatile
    var snapshotLsn: Long = recovered.snapshot?.lsn() ?: 0
        private set

    /** How many snapshots could not be taken. */
    @Volatile
    var failedSnapshots: Long = 0
        private set

    /**
     * Counts what comes, until the log is closed or has failed.
     *
     * Cancellation: a snapshot being taken is given up or finished; the next start counts from the one that is there.
     */
    suspend fun run() {
        try {
            takeSnapshotIfDue()
            log.typed(Event.CODEC).follow(progress.value.counts.lsn + 1).collect { record ->
                progress.value = Progress(progress.value.counts.plus(record.lsn(), record.value()))
                takeSnapshotIfDue()
            }
        } catch (broken: WalException) {
            // Every durable event before it is counted; whoever waits for another has to hear that it does not come.
            progress.value = progress.value.copy(failure = broken)
            logger.error("counting has ended: $broken")
        }
    }

    /**
     * The counts, with everything in them that was durable before the call.
     *
     * Cancellation: ends the wait.
     *
     * @throws WalException if counting has ended before that
     */
    suspend fun counts(): Counts {
        val durableLsn = log.durableLsn.value
        val reached = progress.first { it.counts.lsn >= durableLsn || it.failure != null }
        if (reached.counts.lsn < durableLsn) throw checkNotNull(reached.failure)
        return reached.counts
    }

    /** One that fails leaves everything as it was, a longer log apart: the next may succeed. */
    private suspend fun takeSnapshotIfDue() {
        val counts = progress.value.counts
        if (counts.lsn < dueLsn) return
        dueLsn = counts.lsn + snapshotEvery
        try {
            snapshotLsn = snapshots.publish(counts.lsn, counts::writeTo).lsn()
        } catch (failed: IOException) {
            failedSnapshots++
            logger.warn("no snapshot was taken, the next is due at event $dueLsn: $failed")
        }
    }

    private data class Progress(val counts: Counts, val failure: WalException? = null)

    companion object {
        /**
         * The tally of a log, from its newest whole snapshot and the events behind it.
         *
         * @throws dev.kwal.WalSnapshotException if snapshots and log do not give a state without a gap
         * @throws IOException also if an event cannot be decoded: half a count is worse than none
         */
        suspend fun recover(
            log: SuspendingWal,
            snapshots: SuspendingSnapshots,
            snapshotEvery: Int,
            logger: Logger,
        ): Tally {
            val recovered = snapshots.recover(
                init = { Counts() },
                restore = { readable("the snapshot") { Counts.read(it) } },
                apply = { counts, lsn, record ->
                    counts.plus(lsn, readable("event $lsn") { Event.CODEC.decode(record) })
                },
            )
            recovered.passedOver.forEach { logger.warn("a snapshot was not used: $it") }
            // What was counted must not be lost any more when somebody has been told of it.
            log.sync()
            return Tally(log, snapshots, snapshotEvery, logger, recovered)
        }

        private fun <T> readable(what: String, read: () -> T): T = try {
            read()
        } catch (foreign: SerializationException) {
            throw IOException("$what cannot be read, another program wrote it", foreign)
        }
    }
}
