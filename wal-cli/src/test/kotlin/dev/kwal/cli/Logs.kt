package dev.kwal.cli

import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.WalReader
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.createDirectories
import kotlin.io.path.fileSize
import kotlin.io.path.getLastModifiedTime
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes

/** Small segments, so that a few records fill one. */
internal val SMALL: WalOptions = WalOptions.DEFAULT.withSegmentBytes(1024)

/** A directory that is gone after the test. */
internal fun inDirectory(test: (Path) -> Unit) {
    val directory = Files.createTempDirectory("kwal")
    try {
        test(directory)
    } finally {
        directory.toFile().deleteRecursively()
    }
}

/** A closed log of these records, and what else is done to it. */
internal fun Path.log(vararg records: String, more: (Wal) -> Unit = {}): Path = apply {
    Wal.open(this, SMALL).use { log ->
        records.forEach { log.append(it.toByteArray()) }
        more(log)
    }
}

/** A record that takes a good third of a small segment: two fill it. */
internal fun large(number: Int): String = "$number ".padEnd(380, '.')

/** A closed log of so many large records, two in each segment. */
internal fun Path.largeLog(count: Int): Path = log(*Array(count) { large(it + 1) })

internal fun Path.segment(sequence: Int): Path = resolve("$sequence".padStart(20, '0') + ".wal")

internal val Path.segments: List<Path> get() = listDirectoryEntries("*.wal").sorted()

/** Changes a byte of the first place where the text stands in a segment. */
internal fun Path.damage(text: String) {
    val (file, at) = segments.firstNotNullOf { file -> file.find(text).takeIf { it >= 0 }?.let { file to it } }
    file.flip(at)
}

internal fun Path.flip(position: Int) {
    val bytes = readBytes()
    bytes[position] = (bytes[position].toInt() xor 1).toByte()
    writeBytes(bytes)
}

private fun Path.find(text: String): Int {
    // One character for one byte.
    return readBytes().toString(Charsets.ISO_8859_1).indexOf(text)
}

/** A copy of the log as it is now, for which nobody holds the lock: what a killed owner leaves behind. */
internal fun Path.copiedTo(copy: Path): Path {
    copy.createDirectories()
    segments.forEach { Files.copy(it, copy.resolve(it.name)) }
    return copy
}

/** Everything that may not change. */
internal fun Path.image(): Map<String, List<Any>> = listDirectoryEntries().associate {
    it.name to listOf(it.fileSize(), it.getLastModifiedTime(), it.readBytes().toList())
}

internal fun WalReader.texts(): Map<Long, String> = replay(0).use { cursor ->
    buildMap { while (cursor.next()) put(cursor.lsn(), cursor.record().toByteArray().decodeToString()) }
}
