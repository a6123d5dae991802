package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalClosedException
import dev.kwal.WalFailedException
import dev.kwal.WalState
import java.io.IOException

/** What a log can do now, as [WalState], and why. */
public sealed interface LogState {
    /** Appends, syncs and reads. */
    public data object Open : LogState

    /** Reads, and appends what fits into the current segment. Heals by itself when preparing the next one succeeds. */
    public data class NoSpace(
        /** Why the next segment could not be prepared. */
        public val cause: Throwable,
    ) : LogState

    /** A write or a sync failed: reads up to the last durable LSN. The cure is to open the log again. */
    public data class Failed(
        /** What failed. */
        public val cause: Throwable,
    ) : LogState

    /** Closed. */
    public data object Closed : LogState
}

internal fun Wal.logState(): LogState {
    val cause = failure()
    return when (state()) {
        WalState.CLOSED -> LogState.Closed

        WalState.FAILED -> LogState.Failed(cause ?: IOException("unknown"))

        // It may have healed between the two looks.
        WalState.NO_SPACE -> if (cause == null) LogState.Open else LogState.NoSpace(cause)

        WalState.OPEN -> LogState.Open
    }
}

/** Whether closing is over. Without any I/O: nothing has to be done for LSN 0. */
internal fun Wal.isClosedForGood(): Boolean = try {
    if (state() == WalState.CLOSED) commit(0, Durability.BUFFERED)
    false
} catch (_: WalClosedException) {
    true
} catch (_: WalFailedException) {
    false
}
