package dev.kwal.benchmarks.report

import dev.kwal.benchmarks.load.Scratch
import java.nio.file.Files
import java.nio.file.Path
import java.time.LocalDate
import java.time.ZoneOffset

/** On what a run was made: what matters for its figures, and no names of hosts or paths. */
internal data class Machine(
    val date: String,
    val cores: Int,
    val processor: String,
    val jdk: String,
    val kernel: String,
    val fileSystem: String,
) {
    override fun toString() = "$date · $cores cores, $processor · $jdk · $kernel · $fileSystem"

    companion object {
        fun here(): Machine {
            Files.createDirectories(Scratch.parent)
            return Machine(
                LocalDate.now(ZoneOffset.UTC).toString(),
                Runtime.getRuntime().availableProcessors(),
                processor(),
                "${property("java.vm.name")} ${Runtime.version()}",
                "${property("os.name")} ${property("os.version")} ${property("os.arch")}",
                Files.getFileStore(Scratch.parent).type(),
            )
        }

        private fun property(name: String) = System.getProperty(name)

        private fun processor(): String {
            val info = Path.of("/proc/cpuinfo")
            if (!Files.isReadable(info)) return "processor unknown"
            val line = Files.readAllLines(info).firstOrNull { it.startsWith("model name") }
            return line?.substringAfter(":")?.trim() ?: "processor unknown"
        }
    }
}
