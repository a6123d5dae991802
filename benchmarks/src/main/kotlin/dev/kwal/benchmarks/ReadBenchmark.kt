package dev.kwal.benchmarks

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.benchmarks.limits.CheckedFile
import dev.kwal.benchmarks.load.Scratch
import dev.kwal.benchmarks.load.recordOf
import kotlinx.benchmark.Benchmark
import kotlinx.benchmark.BenchmarkMode
import kotlinx.benchmark.Mode
import kotlinx.benchmark.OutputTimeUnit
import kotlinx.benchmark.Param
import kotlinx.benchmark.Scope
import kotlinx.benchmark.Setup
import kotlinx.benchmark.State
import kotlinx.benchmark.TearDown
import org.openjdk.jmh.annotations.OperationsPerInvocation
import java.nio.ByteBuffer
import java.nio.file.Path
import java.util.concurrent.TimeUnit

private const val RECORDS = 200_000

/** Replays of a warm log by a cursor, beside a pass over a file that checks one CRC32C for each record. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
open class ReplayBenchmark {
    @Param("64", "256", "4096")
    var recordBytes: Int = 0

    private lateinit var directory: Path
    private lateinit var log: Wal
    private lateinit var file: CheckedFile

    @Setup
    fun open() {
        directory = Scratch.make("replay")
        log = Wal.open(directory.resolve("log"))
        val record = ByteBuffer.wrap(recordOf(recordBytes))
        repeat(RECORDS) { log.append(record.clear(), Durability.BUFFERED) }
        log.sync()
        file = CheckedFile(directory.resolve("file"), recordBytes, RECORDS.toLong())
    }

    @TearDown
    fun close() {
        file.close()
        log.close()
        Scratch.delete(directory)
    }

    @Benchmark
    @OperationsPerInvocation(RECORDS)
    fun replay(): Long {
        var bytes = 0L
        log.replay(1).use { cursor -> while (cursor.next()) bytes += cursor.length() }
        return bytes
    }

    @Benchmark
    @OperationsPerInvocation(RECORDS)
    fun limit(): Long = file.pass()
}

/** Opening and closing a log that was closed before, of 16 or 160 segments. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
open class OpenBenchmark {
    @Param("16", "160")
    var segments: Int = 0

    @Param("1048576")
    var segmentBytes: Long = 0

    private lateinit var options: WalOptions
    private lateinit var directory: Path

    @Setup
    fun make() {
        directory = Scratch.make("open")
        options = WalOptions.DEFAULT.withSegmentBytes(segmentBytes)
        val record = ByteBuffer.wrap(recordOf(4096))
        Wal.open(directory, options).use { log ->
            while (log.segments().size < segments) log.append(record.clear(), Durability.BUFFERED)
        }
    }

    @TearDown
    fun delete() = Scratch.delete(directory)

    @Benchmark
    fun openAndClose() = Wal.open(directory, options).close()
}

/** The times of synced appends, in segments so small that one append in 450 meets a switch, and in segments that last. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
open class RotationBenchmark {
    @Param("131072", "67108864")
    var segmentBytes: Long = 0

    private lateinit var directory: Path
    private lateinit var log: Wal
    private lateinit var record: ByteArray

    @Setup
    fun open() {
        directory = Scratch.make("rotation")
        log = Wal.open(directory, WalOptions.DEFAULT.withSegmentBytes(segmentBytes))
        record = recordOf(256)
    }

    @TearDown
    fun close() {
        log.close()
        Scratch.delete(directory)
    }

    @Benchmark
    fun appendAndSync(): Long = log.appendAndSync(record)
}
