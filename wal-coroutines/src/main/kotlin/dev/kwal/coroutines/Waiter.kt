package dev.kwal.coroutines

import dev.kwal.Durability
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.CoroutineContext

/** One caller that waits until the records up to [lsn] have reached [level]. Settled once, by the committer. */
internal open class Waiter(var lsn: Long, val level: Durability, context: CoroutineContext) {
    private val reached = CompletableDeferred<Long>()

    /** Whether the caller would go on right where it is settled, with code that may block. */
    val isUndispatched: Boolean =
        (context[ContinuationInterceptor] as? CoroutineDispatcher)?.isDispatchNeeded(context) != true

    suspend fun await(): Long = reached.await()

    fun settle(outcome: Result<Long>) {
        outcome.fold(reached::complete, reached::completeExceptionally)
    }
}

/**
 * Something that the committer does for a caller, such as appending records that found no room in the buffer.
 *
 * Always: the caller's buffers are read by the caller's leave only, which ends with [withdraw].
 */
internal class Task(
    level: Durability,
    context: CoroutineContext,
    private val records: List<ByteBuffer>,
    private val work: (List<ByteBuffer>) -> Long,
) : Waiter(0, level, context) {
    private val step = AtomicReference(Step.QUEUED)
    private val copied = CompletableDeferred<Unit>()

    /** Does the work, and keeps its result as [lsn]. False if the caller withdrew it before. */
    fun perform(): Boolean {
        if (!step.compareAndSet(Step.QUEUED, Step.TAKEN)) return false
        lsn = work(copies())
        return true
    }

    /** On return the work will never be done, or does not read the caller's buffers any more. */
    suspend fun withdraw() {
        if (!step.compareAndSet(Step.QUEUED, Step.WITHDRAWN)) withContext(NonCancellable) { copied.await() }
    }

    /** The work may take its time, so a caller that is cancelled meanwhile has to wait for the copying alone. */
    private fun copies(): List<ByteBuffer> = try {
        records.map { ByteBuffer.allocate(it.remaining()).put(it.duplicate()).flip() }
    } finally {
        copied.complete(Unit)
    }

    private enum class Step { QUEUED, TAKEN, WITHDRAWN }
}
