package dev.kwal.coroutines

import kotlinx.coroutines.ExecutorCoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher
import java.util.concurrent.Executors

/** A dispatcher of one thread, as a user interface or a network server has. */
internal class EventLoop(name: String = "event loop") : AutoCloseable {
    val dispatcher: ExecutorCoroutineDispatcher =
        Executors.newSingleThreadExecutor { Thread(it, name).apply { isDaemon = true } }.asCoroutineDispatcher()

    override fun close() = dispatcher.close()
}
