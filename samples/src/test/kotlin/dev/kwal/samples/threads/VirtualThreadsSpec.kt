package dev.kwal.samples.threads

import dev.kwal.Wal
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.shouldBe
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import java.nio.file.Path

/** Virtual threads where there are any. An older JDK is told what is missing, and does the same work. */
class VirtualThreadsSpec :
    StringSpec({
        "it says on what kind of threads it runs, and what an old JDK is missing" {
            val jdk = Runtime.version().feature()
            val expected = if (jdk >= 21) {
                "JDK $jdk: one virtual thread for each record"
            } else {
                "virtual threads need JDK 21, this is JDK $jdk: 64 platform threads do the work"
            }
            printed(tempdir().toPath()).first() shouldBe expected
        }

        "every record is in the log once, with no more flushes than records" {
            val directory = tempdir().toPath()
            val (count, flushes) = SUMMARY.find(printed(directory).last())!!.groupValues.drop(1).map { it.number() }
            count shouldBe 10_000
            flushes shouldBeInRange 1..count
            val records = records(directory)
            records shouldHaveSize count
            records.toSet() shouldHaveSize count
        }
    })

private val SUMMARY = Regex("^([0-9,]+) records appended and synced in [0-9,]+ ms: ([0-9,]+) flushes, each shared by ")

private fun String.number(): Int = replace(",", "").toInt()

private fun printed(directory: Path): List<String> {
    val bytes = ByteArrayOutputStream()
    VirtualThreads.run(directory, PrintStream(bytes, true))
    return bytes.toString().lines().dropLast(1)
}

private fun records(directory: Path): List<String> = Wal.openReadOnly(directory).use { log ->
    log.replay(0).use { cursor -> generateSequence { if (cursor.next()) cursor.record() else null }.toList() }
        .map { it.toByteArray().decodeToString() }
}
