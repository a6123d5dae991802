package dev.kwal.resources

import java.io.IOException
import java.lang.management.BufferPoolMXBean
import java.lang.management.ManagementFactory
import java.nio.file.Files
import java.nio.file.Path

/** What this process holds. */
object Resources {
    private val DESCRIPTORS: Path = Path.of("/proc/self/fd")

    /** Open files in a directory; none where the system does not tell. */
    fun filesIn(directory: Path): List<Path> = openFiles().filter { it.startsWith(directory.toRealPath()) }

    /** How many descriptors are open; 0 where the system does not tell. */
    fun descriptors(): Int = openFiles().size

    private fun openFiles(): List<Path> {
        if (!Files.isDirectory(DESCRIPTORS)) return emptyList()
        val names = Files.newDirectoryStream(DESCRIPTORS).use { it.toList() }
        return names.mapNotNull { name ->
            try {
                Files.readSymbolicLink(name)
            } catch (_: IOException) {
                // It was closed meanwhile.
                null
            }
        }
    }

    /** Threads of logs, which have a name of their own. */
    fun logThreads(): List<String> = threadsByName { it.startsWith("kwal-") }.map { it.name }

    fun threadsByName(isMeant: (String) -> Boolean): List<Thread> {
        val root = generateSequence(Thread.currentThread().threadGroup) { it.parent }.last()
        val threads = arrayOfNulls<Thread>(root.activeCount() * 2 + 64)
        return threads.take(root.enumerate(threads)).filterNotNull().filter { isMeant(it.name) }
    }

    fun threads(): Int = ManagementFactory.getThreadMXBean().threadCount

    /** Bytes in direct buffers that are still reachable. */
    fun directBytes(): Long {
        collectGarbage()
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean::class.java)
            .single { it.name == "direct" }
            .memoryUsed
    }

    /** Bytes of the heap in objects that are still reachable. */
    fun heapBytes(): Long {
        collectGarbage()
        return Runtime.getRuntime().run { totalMemory() - freeMemory() }
    }

    /** Twice, with time between for the thread that frees direct memory: it works in the order of what was collected. */
    private fun collectGarbage() = repeat(2) {
        System.gc()
        ManagementFactory.getMemoryMXBean().gc()
    }
}
