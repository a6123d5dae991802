package dev.kwal

import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import java.nio.ByteBuffer
import java.nio.file.Path

private const val RECORD_BYTES = 256
private const val RECORD_COUNT = (1L shl 30) / RECORD_BYTES

/** Reads a log and prints how many records of what sum it has. */
internal object ReplayingProcess {
    @JvmStatic
    fun main(arguments: Array<String>) {
        Wal.open(Path.of(arguments[0])).use { wal ->
            var count = 0L
            wal.replay(0).use { cursor ->
                while (cursor.next()) {
                    check(cursor.view().getLong(0) == cursor.lsn()) { "record ${cursor.lsn()} has other contents" }
                    count++
                }
            }
            println(count)
        }
    }
}

class ReplayMemorySpec :
    StringSpec({
        "a gibibyte of small records is replayed in 64 MiB of heap" {
            val directory = tempdir().toPath().resolve("log")
            Wal.open(directory).use { wal ->
                val record = ByteBuffer.allocate(RECORD_BYTES)
                for (lsn in 1..RECORD_COUNT) {
                    wal.append(record.putLong(0, lsn), Durability.BUFFERED)
                }
            }
            ForkedJvm(ReplayingProcess::class.java.name, listOf("-Xmx64m"), listOf(directory.toString())).use { child ->
                child.output.readLine() shouldBe "$RECORD_COUNT"
                child.waitFor() shouldBe 0
            }
        }
    })
