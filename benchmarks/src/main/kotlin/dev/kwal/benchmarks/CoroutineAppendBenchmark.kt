package dev.kwal.benchmarks

import dev.kwal.coroutines.SuspendingWal
import kotlinx.benchmark.Benchmark
import kotlinx.benchmark.BenchmarkMode
import kotlinx.benchmark.Mode
import kotlinx.benchmark.OutputTimeUnit
import kotlinx.benchmark.Param
import kotlinx.benchmark.Scope
import kotlinx.benchmark.Setup
import kotlinx.benchmark.State
import kotlinx.benchmark.TearDown
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.openjdk.jmh.annotations.OperationsPerInvocation
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit

private const val RECORDS = 8192

/**
 * Synced appends by so many coroutines at once, which share their flushes: a score is records a second, of all of them
 * together. The files live in the directory `kwal.benchmark.directory`, by default `target`.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
open class CoroutineAppendBenchmark {
    @Param("1", "64", "1024")
    var coroutines: Int = 0

    @Param("256")
    var recordBytes: Int = 0

    private lateinit var directory: Path
    private lateinit var log: SuspendingWal
    private lateinit var record: ByteArray

    @Setup
    fun open() {
        val parent = Path.of(System.getProperty("kwal.benchmark.directory", "target"))
        directory = Files.createTempDirectory(Files.createDirectories(parent), "coroutine-append")
        log = runBlocking { SuspendingWal.open(directory) }
        record = ByteArray(recordBytes) { it.toByte() }
    }

    @TearDown
    fun close() {
        runBlocking { log.close() }
        directory.toFile().deleteRecursively()
    }

    @Benchmark
    @OperationsPerInvocation(RECORDS)
    fun appendAndSync() = runBlocking(Dispatchers.Default) {
        repeat(coroutines) {
            launch { repeat(RECORDS / coroutines) { log.appendAndSync(record) } }
        }
    }
}
