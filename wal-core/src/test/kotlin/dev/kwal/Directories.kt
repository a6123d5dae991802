package dev.kwal

import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.deleteRecursively

/** Lends a fresh directory. Links in it are deleted, and never followed. */
@OptIn(ExperimentalPathApi::class)
internal fun <T> inDirectory(work: (Path) -> T): T {
    val directory = Files.createTempDirectory("kwal-log")
    try {
        return work(directory)
    } finally {
        directory.deleteRecursively()
    }
}
