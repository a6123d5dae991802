package dev.kwal.benchmarks

import kotlinx.benchmark.Benchmark
import kotlinx.benchmark.Param
import kotlinx.benchmark.Scope
import kotlinx.benchmark.Setup
import kotlinx.benchmark.State
import java.nio.ByteBuffer
import java.util.zip.CRC32C

/** What the checksum of one payload costs. */
@State(Scope.Benchmark)
open class ChecksumBenchmark {
    @Param("128", "4096")
    var length: Int = 0

    private lateinit var payload: ByteBuffer

    @Setup
    fun allocate() {
        payload = ByteBuffer.allocateDirect(length)
    }

    @Benchmark
    fun crc32c(): Long {
        payload.rewind()
        return CRC32C().also { it.update(payload) }.value
    }
}
