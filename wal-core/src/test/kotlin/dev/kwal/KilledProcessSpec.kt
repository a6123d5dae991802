package dev.kwal

import dev.kwal.kills.DoomedProcess
import dev.kwal.kills.KillLoop
import dev.kwal.kills.Step
import io.kotest.core.spec.style.StringSpec
import kotlin.concurrent.thread
import kotlin.time.Duration.Companion.days

/** About 30 seconds of it. */
private const val ROUNDS = 120

/** Threads that append until somebody kills them or the log is closed. */
internal object AppendingThreads {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val process = DoomedProcess(arguments)
        val wal = Wal.open(process.store, process.plan.options)
        process.opened(wal)
        val workers = List(process.plan.workers) { worker ->
            thread { process.work(worker) { perform(process, wal, it) } }
        }
        process.end { wal.close() }
        workers.forEach(Thread::join)
    }

    private fun perform(process: DoomedProcess, wal: Wal, step: Step) {
        val records = process.records(step)
        when (step.kind) {
            Step.Kind.APPEND -> {
                val one = records.singleOrNull()
                val lsn = if (one != null) wal.append(one, step.level) else wal.appendBatch(records, step.level)
                process.acknowledged(lsn, step.level, step)
            }

            Step.Kind.TICKET -> {
                val ticket = wal.appendBatchAsync(records, step.level)
                ticket.reached().toCompletableFuture().handle { _, thrown ->
                    process.acknowledged(ticket.lsn(), if (thrown == null) step.level else Durability.BUFFERED, step)
                }
            }

            Step.Kind.SYNC -> process.synced(wal.sync())

            Step.Kind.ROTATE -> wal.rotate()

            Step.Kind.CHECKPOINT -> {
                val lsn = maxOf(0, wal.lastLsn() - 300)
                process.checkpoint(lsn) { wal.checkpoint(lsn) }
            }
        }
    }
}

class KilledProcessSpec :
    StringSpec({
        "processes that are killed one after the other lose nothing that they acknowledged".config(timeout = 365.days) {
            KillLoop(AppendingThreads::class.java).run(ROUNDS)
        }
    })
