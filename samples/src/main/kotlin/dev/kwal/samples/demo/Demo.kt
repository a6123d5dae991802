package dev.kwal.samples.demo

import dev.kwal.RecoveryReport
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.use
import dev.kwal.storage.FileStore
import kotlinx.coroutines.runBlocking
import java.io.BufferedReader
import java.nio.file.Files
import java.nio.file.Path
import java.util.Locale
import java.util.zip.CRC32
import kotlin.random.Random
import kotlin.system.exitProcess
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** Takes the directory under which to write. Ends with 1 when a promise of the log was broken. */
fun main(args: Array<String>) {
    try {
        Demo(Path.of(args.firstOrNull() ?: "target")).run()
    } catch (broken: BrokenPromise) {
        println("\nFAILED: ${broken.message}")
        exitProcess(1)
    }
}

/** Something did not come back as it was promised. */
internal class BrokenPromise(message: String) : Exception(message)

/**
 * Kills a process that appends as fast as it can, several times, and looks each time at what it left.
 *
 * Always: a record counts as acknowledged when the killed process had said so before it died.
 */
internal class Demo(base: Path) {
    private val directory: Path = Files.createTempDirectory(Files.createDirectories(base), "demo-").toRealPath()
    private val acknowledged = HashMap<Long, Stamp>()

    fun run() {
        println("Kwal demo: a process is killed in full flight. What it was told to be safe has to be there.")
        println("The log is in $directory\n")
        var found = Found()
        for (round in 1..ROUNDS) {
            println("Round $round of $ROUNDS")
            killInFullFlight(round)
            found = recover()
            tell("checked", "all ${acknowledged.size.text()} acknowledged so far came back, none twice, none altered")
            tell("", "and ${(found.count - acknowledged.size).text()} that were still under way, whole")
            println()
        }
        readFromJava(found)
        println("\nEvery promise was kept.")
    }

    /** Starts the writer, waits for a random number of acknowledgements, kills it, and hears what it had still said. */
    private fun killInFullFlight(round: Int) {
        val enough = Random.nextInt(FEWEST, MOST)
        val process = ProcessBuilder(writerCommand(round)).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        val before = acknowledged.size
        val took: Duration
        process.inputStream.bufferedReader().use { lines ->
            hear(lines, round) ?: throw BrokenPromise("the writer ended by itself, with exit code ${process.waitFor()}")
            val begin = TimeSource.Monotonic.markNow()
            while (acknowledged.size - before < enough && begin.elapsedNow() < LONGEST) hear(lines, round) ?: break
            took = begin.elapsedNow()
            // By its handle: killing it as a Process would close the stream in which its last words are.
            process.toHandle().destroyForcibly()
            while (hear(lines, round) != null) continue
        }
        val heard = acknowledged.size - before
        tell("appended", "process ${process.pid()}, $WORKERS coroutines")
        tell("", "${heard.text()} records acknowledged in ${took.text()}")
        tell("killed", "in full flight, exit code ${process.waitFor()}")
    }

    /** One acknowledgement; null at the end. A last line that was cut short is none. */
    private fun hear(lines: BufferedReader, round: Int): Long? {
        val line = lines.readLine() ?: return null
        if (!line.endsWith(SAFE)) {
            lines.readLine() ?: return null
            throw BrokenPromise("the writer said: $line")
        }
        val (lsn, worker, number) = line.removeSuffix(SAFE).split(' ').map { it.toInt() }
        acknowledged.put(lsn.toLong(), Stamp(round, worker, number))?.let {
            throw BrokenPromise("record $lsn was acknowledged twice, first as $it")
        }
        return lsn.toLong()
    }

    private fun recover(): Found = runBlocking {
        val begin = TimeSource.Monotonic.markNow()
        SuspendingWal.open(FileStore.of(directory), DEMO_OPTIONS).use { log ->
            tell("recovered", "in ${begin.elapsedNow().text()}")
            tell("report", log.recovery.toString().replace("; ", "\n" + " ".repeat(INDENT)))
            val found = Found()
            log.replay().collect { found.add(it.lsn(), it.toByteArray()) }
            found.check(log.recovery)
            found
        }
    }

    private fun readFromJava(expected: Found) {
        println("The same log, read from Java")
        val summary = JavaReader.read(directory)
        tell("records", "${summary.count().text()}, from LSN ${summary.firstLsn()} to ${summary.lastLsn()}")
        tell("segments", "${summary.segments()}, ${summary.bytes().text()} bytes on disk")
        if (summary.count() != expected.count || summary.checksum() != expected.checksum.value) {
            throw BrokenPromise("Java read ${summary.count()} records, Kotlin ${expected.count}, or not the same ones")
        }
        tell("checked", "the same records, by count and by checksum")
    }

    private fun writerCommand(round: Int): List<String> = listOf(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp",
        System.getProperty("java.class.path"),
        Writer::class.java.name,
        directory.toString(),
        round.toString(),
    )

    /** What is in the log, held against what has to be. */
    private inner class Found {
        val checksum = CRC32()
        var count = 0L
        private val stamps = HashSet<Stamp>()
        private val missing = HashMap(acknowledged)

        fun add(lsn: Long, record: ByteArray) {
            if (lsn != ++count) throw BrokenPromise("record $lsn came where $count was due")
            val stamp = Stamp.of(record) ?: throw BrokenPromise("record $lsn is not what was written")
            if (!stamps.add(stamp)) throw BrokenPromise("record $lsn is there twice: $stamp")
            val due = missing.remove(lsn) ?: stamp
            if (due != stamp) throw BrokenPromise("record $lsn was acknowledged as $due, and is $stamp")
            checksum.update(record)
        }

        fun check(report: RecoveryReport) {
            if (missing.isNotEmpty()) throw BrokenPromise("${missing.size} acknowledged records are gone: $missing")
            if (report.lastLsn() != count) throw BrokenPromise("$count records came back, the report says otherwise")
        }
    }

    private companion object {
        const val ROUNDS = 3
        const val FEWEST = 3_000
        const val MOST = 15_000
        val LONGEST = 4.seconds
    }
}

private const val INDENT = 12

private fun tell(what: String, text: String) = println("  $what".padEnd(INDENT) + text)

private fun Duration.text(): String = "$inWholeMilliseconds ms"

private fun Number.text(): String = "%,d".format(Locale.ROOT, toLong())
