package dev.kwal.coroutines

import dev.kwal.SnapshotRecovery
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext
import java.io.FilterInputStream
import java.io.FilterOutputStream
import java.io.InputStream
import java.io.OutputStream
import java.time.Instant
import kotlin.coroutines.CoroutineContext

/** Runs what blocks on an I/O thread, and lets it ask its caller's context whether it was cancelled. */
internal suspend fun <T> cancellably(block: (caller: CoroutineContext) -> T): T =
    withContext(LogIo) { block(coroutineContext) }

internal fun SnapshotRecovery.until(lsn: Long, time: Instant?): SnapshotRecovery =
    withUntilLsn(lsn).let { if (time == null) it else it.withUntilTime(time) }

/** Runs a recovery, until its caller is cancelled. */
internal suspend fun <S : Any> SnapshotRecovery.runCancellably(
    init: () -> S,
    restore: (InputStream) -> S,
    apply: SnapshotRecovery.Apply<S>,
): SnapshotRecovery.Recovered<S> = cancellably { caller ->
    run(
        init,
        { restore(CancellableInput(it, caller)) },
        { state, lsn, record ->
            caller.ensureActive()
            apply.apply(state, lsn, record)
        },
    )
}

/** Takes nothing more from a caller who was cancelled. */
internal class CancellableOutput(target: OutputStream, private val caller: CoroutineContext) :
    FilterOutputStream(target) {

    override fun write(octet: Int) {
        caller.ensureActive()
        out.write(octet)
    }

    override fun write(bytes: ByteArray, offset: Int, length: Int) {
        caller.ensureActive()
        out.write(bytes, offset, length)
    }
}

/** Gives nothing more to a caller who was cancelled. */
internal class CancellableInput(source: InputStream, private val caller: CoroutineContext) :
    FilterInputStream(source) {

    override fun read(): Int {
        caller.ensureActive()
        return super.read()
    }

    override fun read(bytes: ByteArray, offset: Int, length: Int): Int {
        caller.ensureActive()
        return super.read(bytes, offset, length)
    }
}
