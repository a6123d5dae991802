package dev.kwal.benchmarks.load

import java.nio.file.Files
import java.nio.file.Path

/** Where the files of benchmarks live: the directory `kwal.benchmark.directory`, by default `target`. */
internal object Scratch {
    val parent: Path
        get() = Path.of(System.getProperty("kwal.benchmark.directory", "target")).toAbsolutePath()

    fun make(name: String): Path = Files.createTempDirectory(Files.createDirectories(parent), name)

    /** Runs [block] with an empty directory, which is gone afterwards. */
    inline fun <T> use(name: String, block: (Path) -> T): T {
        val directory = make(name)
        try {
            return block(directory)
        } finally {
            delete(directory)
        }
    }

    fun delete(directory: Path) {
        check(directory.toFile().deleteRecursively()) { "$directory could not be deleted" }
    }
}

/** A record whose bytes are not all the same. */
internal fun recordOf(bytes: Int): ByteArray = ByteArray(bytes) { (it * 31).toByte() }
