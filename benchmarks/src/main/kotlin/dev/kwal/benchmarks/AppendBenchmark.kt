package dev.kwal.benchmarks

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.benchmarks.load.Scratch
import dev.kwal.benchmarks.load.StoreKind
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
import java.nio.ByteBuffer
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import org.openjdk.jmh.annotations.Level as Moment

/**
 * Appends by platform threads, as many as JMH's option `-t` says; a score is records a second, of all of them together.
 * Each iteration has a new log, so that files do not grow without end.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
open class AppendBenchmark {
    @Param("BUFFERED", "WRITTEN", "SYNCED")
    var level: String = ""

    @Param("64", "256", "4096", "65536")
    var recordBytes: Int = 0

    @Param("FILES", "OKIO")
    var store: String = ""

    private lateinit var durability: Durability
    private lateinit var directory: Path
    private lateinit var log: Wal

    /** A record of each thread. */
    @State(Scope.Thread)
    open class Record {
        lateinit var bytes: ByteBuffer

        @Setup
        fun make(benchmark: AppendBenchmark) {
            bytes = ByteBuffer.wrap(recordOf(benchmark.recordBytes))
        }
    }

    @Setup(Moment.Iteration)
    fun open() {
        durability = Durability.valueOf(level)
        directory = Scratch.make("append")
        log = Wal.open(StoreKind.valueOf(store).store(directory), WalOptions.DEFAULT)
    }

    @TearDown(Moment.Iteration)
    fun close() {
        log.close()
        Scratch.delete(directory)
    }

    @Benchmark
    fun append(record: Record): Long = log.append(record.bytes.clear(), durability)
}
