package dev.kwal.coroutines

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExecutorCoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.withContext
import java.util.concurrent.Executors

/** Where a log writes and syncs: one task at a time. Gives back only the thread it made itself. */
internal class LogDispatcher private constructor(
    val dispatcher: CoroutineDispatcher,
    private val own: ExecutorCoroutineDispatcher?,
) : AutoCloseable {

    /** Opens or closes the log. The caller resumes from another thread: undispatched code never runs on this one. */
    suspend fun <T> run(block: () -> T): T = withContext(Dispatchers.IO) { withContext(dispatcher) { block() } }

    override fun close() {
        own?.close()
    }

    companion object {
        const val THREAD_NAME = "kwal-commit"

        fun of(given: CoroutineDispatcher?): LogDispatcher {
            if (given != null) return LogDispatcher(given.limitedParallelism(1), null)
            val own = Executors.newSingleThreadExecutor { task ->
                Thread(task, THREAD_NAME).apply { isDaemon = true }
            }.asCoroutineDispatcher()
            return LogDispatcher(own, own)
        }
    }
}
