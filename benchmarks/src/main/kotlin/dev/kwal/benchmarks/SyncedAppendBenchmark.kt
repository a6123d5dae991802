package dev.kwal.benchmarks

import dev.kwal.Wal
import kotlinx.benchmark.Benchmark
import kotlinx.benchmark.BenchmarkMode
import kotlinx.benchmark.Mode
import kotlinx.benchmark.OutputTimeUnit
import kotlinx.benchmark.Param
import kotlinx.benchmark.Scope
import kotlinx.benchmark.Setup
import kotlinx.benchmark.State
import kotlinx.benchmark.TearDown
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardOpenOption
import java.util.concurrent.TimeUnit

/**
 * What one thread pays for a synced append, beside the limit: the same bytes written by a plain channel that extends its
 * file, and `force(false)` after each. The files live in the directory `kwal.benchmark.directory`, by default `target`.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
open class SyncedAppendBenchmark {
    @Param("256", "4096")
    var recordBytes: Int = 0

    private lateinit var directory: Path
    private lateinit var wal: Wal
    private lateinit var channel: FileChannel
    private lateinit var record: ByteArray
    private lateinit var raw: ByteBuffer

    @Setup
    fun open() {
        val parent = Path.of(System.getProperty("kwal.benchmark.directory", "target"))
        directory = Files.createTempDirectory(Files.createDirectories(parent), "synced-append")
        wal = Wal.open(directory.resolve("log"))
        channel =
            FileChannel.open(directory.resolve("raw"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)
        record = ByteArray(recordBytes) { it.toByte() }
        raw = ByteBuffer.allocateDirect(recordBytes)
    }

    @TearDown
    fun close() {
        wal.close()
        channel.close()
        directory.toFile().deleteRecursively()
    }

    @Benchmark
    fun appendAndSync(): Long = wal.appendAndSync(record)

    @Benchmark
    fun writeAndForce() {
        channel.write(raw.clear())
        channel.force(false)
    }
}
