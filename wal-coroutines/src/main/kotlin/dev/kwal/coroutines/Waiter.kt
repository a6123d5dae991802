package dev.kwal.coroutines

import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.CoroutineContext

/** Somebody whom a committer owes an answer. Settled once. */
internal sealed interface Waiter {
    /** Where it goes on; null if code that may block would go on right where this is settled. */
    val dispatcher: CoroutineDispatcher?

    fun settle(outcome: Result<Long>)
}

/** Somebody who waits for the records up to [lsn]. */
internal sealed interface LevelWaiter : Waiter {
    val lsn: Long

    /** Whether that is a record of its own, of which it hears although the log is closed meanwhile. */
    val isAccepted: Boolean
}

/** A caller who is suspended meanwhile. */
internal class Caller(
    override val lsn: Long,
    override val isAccepted: Boolean,
    private val continuation: CancellableContinuation<Long>,
) : LevelWaiter {
    override val dispatcher: CoroutineDispatcher? = continuation.context.dispatcher()

    override fun settle(outcome: Result<Long>) =
        continuation.resumeWith(if (isAccepted) outcome.map { lsn } else outcome)
}

/** A caller who went on with a ticket. Whoever awaits it may be undispatched. */
internal class TicketHolder(override val lsn: Long, private val reached: CompletableDeferred<Long>) : LevelWaiter {
    override val isAccepted: Boolean get() = true

    override val dispatcher: CoroutineDispatcher? get() = null

    override fun settle(outcome: Result<Long>) {
        outcome.fold({ reached.complete(lsn) }, reached::completeExceptionally)
    }
}

/**
 * Something that a committer does for a caller, such as appending records that found no room in the buffer.
 *
 * Always: the caller's buffers are read by the caller's leave only, which ends with [withdraw].
 */
internal class Task(
    context: CoroutineContext,
    private val records: List<ByteBuffer>,
    private val work: (List<ByteBuffer>) -> Long,
) : Waiter {
    private val step = AtomicReference(Step.QUEUED)
    private val copied = CompletableDeferred<Unit>()
    private val done = CompletableDeferred<Long>()

    override val dispatcher: CoroutineDispatcher? = context.dispatcher()

    suspend fun await(): Long = done.await()

    override fun settle(outcome: Result<Long>) {
        outcome.fold(done::complete, done::completeExceptionally)
    }

    /** Does the work; null if the caller withdrew it before. */
    fun perform(): Result<Long>? {
        if (!step.compareAndSet(Step.QUEUED, Step.TAKEN)) return null
        return runCatching { work(copies()) }
    }

    /**
     * On return the work will never be done, or does not read the caller's buffers any more. Undispatched code must not go
     * on where the copying was done.
     */
    suspend fun withdraw() {
        if (!step.compareAndSet(Step.QUEUED, Step.WITHDRAWN)) {
            withContext(NonCancellable + LogIo) { copied.await() }
        }
    }

    /** The work may take its time, so a caller that is cancelled meanwhile has to wait for the copying alone. */
    private fun copies(): List<ByteBuffer> = try {
        records.map { ByteBuffer.allocate(it.remaining()).put(it.duplicate()).flip() }
    } finally {
        copied.complete(Unit)
    }

    private enum class Step { QUEUED, TAKEN, WITHDRAWN }
}

private fun CoroutineContext.dispatcher(): CoroutineDispatcher? =
    (this[ContinuationInterceptor] as? CoroutineDispatcher)?.takeIf { it.isDispatchNeeded(this) }
