package dev.kwal.benchmarks

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.benchmarks.load.Callers
import dev.kwal.benchmarks.load.HOUR
import dev.kwal.benchmarks.load.Operation
import dev.kwal.benchmarks.load.Scratch
import dev.kwal.benchmarks.load.StoreKind
import dev.kwal.benchmarks.load.ThreadKind
import dev.kwal.benchmarks.load.recordOf
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.asSuspending
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
import java.nio.ByteBuffer
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import org.openjdk.jmh.annotations.Level as Moment

private const val RECORDS = 16_384

/**
 * Appends by callers that are cheap to start: coroutines, and virtual threads where the JDK has them. One invocation
 * starts them and lets them append [RECORDS] records; a score is records a second, of all of them together.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
open class ManyCallersBenchmark {
    @Param("1", "64", "512", "4096")
    var callers: Int = 0

    @Param("BUFFERED", "WRITTEN", "SYNCED")
    var level: String = ""

    @Param("64", "256", "4096", "65536")
    var recordBytes: Int = 0

    @Param("FILES", "OKIO")
    var store: String = ""

    private lateinit var durability: Durability
    private lateinit var directory: Path
    private lateinit var log: Wal
    private lateinit var suspending: SuspendingWal
    private lateinit var record: ByteArray

    @Setup(Moment.Iteration)
    fun open() {
        durability = Durability.valueOf(level)
        directory = Scratch.make("many-callers")
        log = Wal.open(StoreKind.valueOf(store).store(directory), WalOptions.DEFAULT)
        suspending = log.asSuspending()
        record = recordOf(recordBytes)
    }

    @TearDown(Moment.Iteration)
    fun close() {
        runBlocking { suspending.close() }
        log.close()
        Scratch.delete(directory)
    }

    @Benchmark
    @OperationsPerInvocation(RECORDS)
    fun coroutines() = runBlocking(Dispatchers.Default) {
        repeat(callers) {
            launch { repeat(RECORDS / callers) { suspending.append(record, durability) } }
        }
    }

    @Benchmark
    @OperationsPerInvocation(RECORDS)
    fun virtualThreads(): Long {
        check(ThreadKind.hasVirtual) { "virtual threads need JDK 21, this is ${Runtime.version()}" }
        val tally = Callers(callers, ThreadKind.VIRTUAL).work(HOUR, RECORDS.toLong() / callers) {
            val mine = ByteBuffer.wrap(record)
            Operation { log.append(mine.clear(), durability) }
        }
        return tally.operations
    }
}
