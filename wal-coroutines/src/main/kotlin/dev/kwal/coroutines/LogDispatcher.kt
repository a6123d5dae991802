package dev.kwal.coroutines

import dev.kwal.Wal
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExecutorCoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.withContext
import java.io.IOException
import java.util.concurrent.Executors

/** Where a log writes and syncs: one thread for each. Gives back only the threads it made itself. */
internal class LogDispatcher private constructor(
    val dispatcher: CoroutineDispatcher,
    private val own: ExecutorCoroutineDispatcher?,
) : AutoCloseable {

    /** Opens or closes the log. The caller resumes from another thread: undispatched code never runs on this one. */
    suspend fun <T> run(block: () -> T): T = withContext(Dispatchers.IO) { withContext(dispatcher) { block() } }

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
            if (given != null) return LogDispatcher(given.limitedParallelism(THREADS), null)
            val own = Executors.newFixedThreadPool(THREADS) { task ->
                Thread(task, THREAD_NAME).apply { isDaemon = true }
            }.asCoroutineDispatcher()
            return LogDispatcher(own, own)
        }
    }
}
