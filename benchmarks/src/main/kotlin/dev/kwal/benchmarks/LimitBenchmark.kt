package dev.kwal.benchmarks

import dev.kwal.benchmarks.limits.BatchWriter
import dev.kwal.benchmarks.limits.RawFile
import dev.kwal.benchmarks.limits.TouchedMemory
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
import org.openjdk.jmh.infra.BenchmarkParams
import java.nio.ByteBuffer
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import org.openjdk.jmh.annotations.Level as Moment

/** What one thread can do with a file at most: positional writes, with and without `force(false)` after each. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
open class RawWriteBenchmark {
    @Param("256", "4096")
    var recordBytes: Int = 0

    @Param("false", "true")
    var preallocated: Boolean = false

    private lateinit var directory: Path
    private lateinit var file: RawFile
    private lateinit var record: ByteBuffer

    @Setup(Moment.Iteration)
    fun open() {
        directory = Scratch.make("raw")
        file = RawFile(directory.resolve("file"), if (preallocated) RawFile.PREALLOCATED_BYTES else 0)
        record = ByteBuffer.allocateDirect(recordBytes).put(recordOf(recordBytes))
    }

    @TearDown(Moment.Iteration)
    fun close() {
        file.close()
        Scratch.delete(directory)
    }

    @Benchmark
    fun write() = file.write(record.clear())

    @Benchmark
    fun writeAndForce() {
        file.write(record.clear())
        file.force()
    }
}

/** What platform threads, as many as `-t` says, can do together at most: shared flushes, and copies into memory. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
open class SharedLimitBenchmark {
    @Param("256", "4096")
    var recordBytes: Int = 0

    private lateinit var directory: Path
    private lateinit var file: RawFile
    private lateinit var writer: BatchWriter
    private lateinit var memory: TouchedMemory
    private lateinit var record: ByteArray

    /** The view of one thread. */
    @State(Scope.Thread)
    open class Caller {
        internal lateinit var appender: TouchedMemory.Appender

        @Setup
        fun make(benchmark: SharedLimitBenchmark) {
            appender = benchmark.appender()
        }
    }

    @Setup
    fun open(parameters: BenchmarkParams) {
        directory = Scratch.make("shared")
        file = RawFile(directory.resolve("file"), RawFile.PREALLOCATED_BYTES)
        writer = BatchWriter(file, recordBytes * parameters.threads)
        memory = TouchedMemory()
        record = recordOf(recordBytes)
    }

    internal fun appender() = memory.Appender(record)

    @TearDown
    fun close() {
        file.close()
        Scratch.delete(directory)
    }

    @Benchmark
    fun batchWriter() = writer.append(record)

    @Benchmark
    fun touchedMemory(caller: Caller) = caller.appender.append()
}
