package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.kills.DoomedProcess
import dev.kwal.kills.KillLoop
import dev.kwal.kills.Step
import io.kotest.core.spec.style.StringSpec
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlin.time.Duration.Companion.days

/** About 30 seconds of it. */
private const val ROUNDS = 90

/**
 * Coroutines that append until somebody kills their process or the log is closed.
 *
 * Always: waits for that on the main thread. A worker of [Dispatchers.Default] that is blocked for good can leave the only
 * other one parked beside a task: kotlinx.coroutines issues 3660 and 4491.
 */
internal object AppendingCoroutines {
    @JvmStatic
    fun main(arguments: Array<String>) = runBlocking {
        val process = DoomedProcess(arguments)
        val log = SuspendingWal.open(process.store, process.plan.options)
        process.opened(log.asBlocking())
        val workers = List(process.plan.workers) { worker ->
            launch(Dispatchers.Default) { process.work(worker) { perform(process, log, it) } }
        }
        process.end { log.close() }
        workers.joinAll()
    }

    private suspend fun CoroutineScope.perform(process: DoomedProcess, log: SuspendingWal, step: Step) {
        val records = process.records(step)
        when (step.kind) {
            Step.Kind.APPEND -> {
                val one = records.singleOrNull()
                val lsn = if (one != null) log.append(one, step.level) else log.appendBatch(records, step.level)
                process.acknowledged(lsn, step.level, step)
            }

            Step.Kind.TICKET -> {
                val ticket = log.appendBatchAsync(records, step.level)
                launch {
                    val isReached = runCatching { ticket.reached.await() }.isSuccess
                    process.acknowledged(ticket.lsn, if (isReached) step.level else Durability.BUFFERED, step)
                }
            }

            Step.Kind.SYNC -> process.synced(log.sync())

            Step.Kind.ROTATE -> log.rotate()

            Step.Kind.CHECKPOINT -> {
                val lsn = maxOf(0, log.lastLsn - 300)
                process.checkpoint(lsn) { log.checkpoint(lsn) }
            }
        }
    }
}

class KilledProcessSpec :
    StringSpec({
        "processes of coroutines that are killed one after the other lose nothing that they acknowledged"
            .config(timeout = 365.days) { KillLoop(AppendingCoroutines::class.java).run(ROUNDS) }
    })
