package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.WalOptions
import dev.kwal.WalRecord
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import java.time.Duration
import kotlin.time.Duration.Companion.minutes

/** How long a test that hangs is waited for. No test that passes depends on it, however slow the machine is. */
internal val PATIENCE = 5.minutes

/** Nothing happens by itself. */
internal val QUIET: WalOptions = WalOptions.DEFAULT.withFlushInterval(Duration.ofHours(1))

/** The smallest buffer, so that it fills up. */
internal val TINY_BUFFER: WalOptions = QUIET.withBufferBytes(4 shl 10)

/** A log over a watched store; callers run one after the other on the test's thread. */
internal fun withLog(
    options: WalOptions = QUIET,
    store: WatchedStore = WatchedStore(),
    block: suspend TestScope.(SuspendingWal, WatchedStore) -> Unit,
) = runTest(timeout = PATIENCE) {
    SuspendingWal.open(store, options).use { log ->
        try {
            store.forget()
            block(log, store)
        } finally {
            store.release()
        }
    }
}

/** Larger than the buffer, so that it finds room in an empty one only. */
internal const val LARGE = 20_000

/** Leaves something in the buffer, so that a large record finds no room. */
internal suspend fun SuspendingWal.occupyBuffer(): Long = append("in the buffer".toByteArray(), Durability.BUFFERED)

internal suspend fun SuspendingWal.write(vararg texts: String): Long =
    texts.map { appendAndSync(it.toByteArray()) }.last()

internal suspend fun SuspendingWal.texts(): List<String> = replay().toList().map { it.text() }

internal fun WalRecord.text(): String = toByteArray().decodeToString()

internal fun buffers(vararg texts: String): List<ByteBuffer> = texts.map { ByteBuffer.wrap(it.toByteArray()) }

/** Runs every caller on the test's thread until it waits. */
@OptIn(ExperimentalCoroutinesApi::class)
internal fun TestScope.untilCallersWait() = runCurrent()

/** Waits on a real thread, not on the test's clock. */
internal suspend fun blocking(block: () -> Unit) = withContext(Dispatchers.IO) { block() }
