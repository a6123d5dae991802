package dev.kwal.samples

import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.okio.OkioStore
import dev.kwal.okio.appendAndSync
import dev.kwal.okio.toByteString
import kotlinx.coroutines.runBlocking
import okio.ByteString.Companion.encodeUtf8
import okio.FileSystem
import okio.Path.Companion.toOkioPath
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import java.nio.file.Path

/** Runs what the README shows and looks at what it printed; then goes on with the same log through okio. */
fun main(args: Array<String>) {
    val directory = Path.of(args.single())
    val printed = printedBy { runBlocking { quickStart(directory) } }
    check(printed == listOf("1: order 1 paid", "2: order 1 packed")) { "printed $printed" }

    Wal.open(OkioStore(FileSystem.SYSTEM, directory.toOkioPath()), WalOptions.DEFAULT).use { log ->
        val lsn = log.appendAndSync("order 1 shipped".encodeUtf8())
        val record = log.read(lsn)
        check(lsn == 3L && record.toByteString().utf8() == "order 1 shipped") { "read $record" }
    }
}

private fun printedBy(block: () -> Unit): List<String> {
    val out = System.out
    val bytes = ByteArrayOutputStream()
    System.setOut(PrintStream(bytes, true))
    try {
        block()
    } finally {
        System.setOut(out)
    }
    return bytes.toString().lines().dropLast(1)
}
