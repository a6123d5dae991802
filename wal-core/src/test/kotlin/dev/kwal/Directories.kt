package dev.kwal

import java.nio.file.Files
import java.nio.file.Path

/** Lends a fresh directory. */
internal fun <T> inDirectory(work: (Path) -> T): T {
    val directory = Files.createTempDirectory("kwal-log")
    try {
        return work(directory)
    } finally {
        directory.toFile().deleteRecursively()
    }
}
