package dev.kwal.kills

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalClosedException
import dev.kwal.storage.WalStore
import java.io.FileDescriptor
import java.io.FileOutputStream
import java.nio.ByteBuffer
import java.nio.file.Path
import java.util.concurrent.CountDownLatch

/**
 * What a process that is going to be killed does whatever API it appends with. Its arguments: directory, seed, round.
 *
 * Always: says what was acknowledged after it was, a line for each, in one write.
 */
class DoomedProcess(arguments: Array<String>) {
    val plan = Plan(arguments[1].toLong(), arguments[2].toInt())
    private val pipe = FileOutputStream(FileDescriptor.out)
    private val stopping = StoppingStore(plan.store(Path.of(arguments[0])), plan.stop) { say("stopped") }
    private val enough = CountDownLatch(plan.acknowledgements)

    val store: WalStore get() = stopping

    /** Tells what came back, and in some lives gives a suffix up. */
    fun opened(wal: Wal) {
        stopping.phase = Phase.RUNNING
        say("recovered ${wal.firstLsn()} ${wal.lastLsn()} ${wal.epoch()} ${wal.recovery().end()}")
        val stamps = ArrayList<Stamp>()
        wal.replay(0).use { cursor ->
            while (cursor.next()) {
                stamps += Stamp.of(cursor.record().toByteArray())
                say("found ${cursor.lsn()} ${stamps.last()}")
            }
        }
        say("complete")
        if (plan.cuts) cut(wal, stamps)
    }

    /** Gives a tenth of the records up, whole batches. */
    private fun cut(wal: Wal, stamps: List<Stamp>) {
        val kept = (0 until stamps.size - stamps.size / 10).lastOrNull { stamps[it].isLastOfBatch } ?: return
        if (kept == stamps.lastIndex) return
        val lsn = wal.firstLsn() + kept
        say("cut? $lsn")
        wal.truncateAfter(lsn)
        say("cut! $lsn ${wal.epoch()}")
    }

    /** Does what a worker has to do until the log is closed; what else ends it is told. */
    inline fun work(worker: Int, perform: (Step) -> Unit) = try {
        plan.steps(worker).forEach { perform(it) }
    } catch (_: WalClosedException) {
        // That is how a life ends that is not killed.
    } catch (thrown: Throwable) {
        System.err.println(thrown.stackTraceToString())
        say("failed: $thrown")
    }

    fun records(step: Step): List<ByteBuffer> = step.stamps.map { ByteBuffer.wrap(it.record()) }

    fun acknowledged(lastLsn: Long, level: Durability, step: Step) {
        say("acknowledged $lastLsn $level ${step.stamps.last()}")
        enough.countDown()
    }

    fun synced(lsn: Long) = say("synced $lsn")

    inline fun checkpoint(lsn: Long, checkpoint: () -> Unit) {
        say("checkpoint? $lsn")
        checkpoint()
        say("checkpoint! $lsn")
    }

    /** Closes the log in the midst of everything, if this life ends so; else waits for its end. */
    inline fun end(close: () -> Unit) {
        awaitClosing()
        close()
        say("closed")
    }

    fun awaitClosing() {
        if (plan.stop?.phase != Phase.CLOSING) CountDownLatch(1).await()
        enough.await()
        stopping.phase = Phase.CLOSING
    }

    fun say(line: String) = synchronized(pipe) { pipe.write("$line\n".toByteArray()) }
}
