package dev.kwal.samples.importer

import dev.kwal.RecoveryReport.End
import dev.kwal.Wal
import java.io.BufferedOutputStream
import java.io.FileDescriptor
import java.io.FileOutputStream
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.io.PrintStream
import java.nio.file.Files
import java.nio.file.InvalidPathException
import java.nio.file.Path
import java.nio.file.StandardOpenOption.CREATE_NEW
import java.nio.file.StandardOpenOption.WRITE
import kotlin.system.exitProcess

internal const val USAGE = """usage: import <directory> [file]    appends the lines of the file, or of standard input, to a log
       export <directory> [file]    writes them to a new file, or to standard output"""

/** Ends with 0 when all is done, 1 when something failed, 2 when it was called wrongly. */
fun main(args: Array<String>) {
    // Not System.out, which would swallow that nobody listens any more.
    exitProcess(Importer(System.`in`, FileOutputStream(FileDescriptor.out), System.err).run(args.toList()))
}

/**
 * Puts any file into a log, one record for each line, and gets it back, byte for byte. Shows how to append in bulk, and
 * how to replay in little memory.
 *
 * - An import into a log that has records already goes on behind them. The export is then both inputs in a row.
 * - An import that was interrupted leaves a prefix of its input, see [Import]. To go on, let an empty import recover the
 *   log, count what is there, and import the rest:
 *   ```
 *   import log /dev/null
 *   export log | wc -c                      says 123456
 *   tail -c +123457 the-file | import log
 *   ```
 * - An export changes nothing, and works beside a running import. It delivers what is proven durable, and says so if the
 *   log was not closed. It never overwrites a file.
 *
 * Threads: does everything on the calling one.
 */
internal class Importer(
    private val stdin: InputStream,
    private val stdout: OutputStream,
    private val stderr: PrintStream,
) {
    /** Does what the arguments say, and gives the exit code. */
    fun run(args: List<String>): Int = try {
        val paths = args.drop(1).map { Path.of(it) }
        val command = args.firstOrNull()
        when {
            paths.size !in 1..2 -> usage("expected a command, a directory and perhaps a file")
            command == "import" -> import(paths[0], paths.getOrNull(1))
            command == "export" -> export(paths[0], paths.getOrNull(1))
            else -> usage("no such command: $command")
        }
    } catch (e: InvalidPathException) {
        usage("not a path: ${e.message}")
    } catch (e: IOException) {
        stderr.println("failed: $e")
        FAILED
    }

    private fun import(directory: Path, file: Path?): Int {
        val input = if (file == null) stdin else Files.newInputStream(file)
        input.use {
            Wal.open(directory).use { log ->
                if (log.lastLsn() >= log.firstLsn()) {
                    stderr.println("the log has records ${log.firstLsn()} to ${log.lastLsn()}: going on behind them")
                }
                val progress = Progress("imported", stderr)
                Import(log, progress).run(input)
                progress.end()
            }
        }
        return DONE
    }

    private fun export(directory: Path, file: Path?): Int {
        Wal.openReadOnly(directory).use { log ->
            when (log.recovery().end()) {
                End.CLEAN -> {}
                End.NEW -> stderr.println("no records in $directory")
                else -> stderr.println("the log was not closed: an import recovers what is not yet proven durable")
            }
            val output = if (file == null) stdout else Files.newOutputStream(file, CREATE_NEW, WRITE)
            val progress = Progress("exported", stderr)
            BufferedOutputStream(output, PIECE_BYTES).use { Export(log, progress).run(it) }
            progress.end()
        }
        return DONE
    }

    private fun usage(what: String): Int {
        stderr.println("$what\n$USAGE")
        return MISUSED
    }

    private companion object {
        const val DONE = 0
        const val FAILED = 1
        const val MISUSED = 2
    }
}
