package dev.kwal.coroutines

import dev.kwal.Wal
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExecutorCoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import java.io.IOException
import java.util.concurrent.Executors

private const val IO_THREADS = 64

/** Where logs read, open and close: I/O threads that callers who block cannot have taken. */
internal val LogIo: CoroutineDispatcher = Dispatchers.IO.limitedParallelism(IO_THREADS)

/** Where a log writes and syncs: one thread for each. Gives back only the threads it made itself. */
internal class LogDispatcher private constructor(
    val dispatcher: CoroutineDispatcher,
    private val own: ExecutorCoroutineDispatcher?,
) : AutoCloseable {

    /** Opens or closes the log. The caller resumes from another thread: undispatched code never runs on this one. */
    suspend fun <T> run(block: () -> T): T = withContext(LogIo) { withContext(dispatcher) { block() } }

    /** Between two groups: own threads are not shared, those of a given dispatcher may be. */
    suspend fun letOthersRun() = if (own == null) yield() else currentCoroutineContext().ensureActive()

    /** Closes a log that nobody will use, whatever that throws, and this. */
    suspend fun closeAfter(thrown: Throwable, wal: Wal?) {
        try {
            run { wal?.close() }
        } catch (closing: IOException) {
            thrown.addSuppressed(closing)
        } finally {
            close()
        }
    }

    override fun close() {
        own?.close()
    }

    companion object {
        const val THREAD_NAME = "kwal-commit"

        /** So that who waits for a write does not wait for a flush as well. */
        private const val THREADS = 2

        fun of(given: CoroutineDispatcher?): LogDispatcher {
            if (given != null) return LogDispatcher(limited(given), null)
            val own = Executors.newFixedThreadPool(THREADS) { task ->
                Thread(task, THREAD_NAME).apply { isDaemon = true }
            }.asCoroutineDispatcher()
            return LogDispatcher(own, own)
        }

        private fun limited(given: CoroutineDispatcher) = try {
            given.limitedParallelism(THREADS)
        } catch (e: UnsupportedOperationException) {
            throw IllegalArgumentException("the dispatcher has no threads to write and sync on: $given", e)
        }
    }
}
