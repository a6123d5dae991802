package dev.kwal

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import jdk.jfr.Recording
import jdk.jfr.consumer.RecordedEvent
import jdk.jfr.consumer.RecordingFile
import java.time.Duration
import kotlin.io.path.createTempFile
import kotlin.io.path.deleteExisting

private val EVENTS = listOf("Recovery", "Write", "Flush", "SlowFlush", "Rotation")

/** The flight recorder hears what a log does, and a JDK without it runs a log all the same. */
class FlightSpec :
    StringSpec({
        "writes, flushes and rotations are events, one each, with their records" {
            val log = LogFixture()
            val events = log.recorded { log.write("a").buffer("b", "c").sync().rotate() }
            events.of("Write").filter { it.getLong("records") > 0 }.map { it.getLong("records") } shouldContainExactly
                listOf(1, 2)
            events.of("Flush").first().getLong("records") shouldBe 3
            events.of("Rotation").map { it.getLong("segment") } shouldContainExactly listOf(1, 2)
            val writes = events.of("Write")
            writes.zipWithNext().all { (one, next) -> one.endTime <= next.startTime } shouldBe true
        }

        "a recovery is an event that says how the log ended" {
            val log = LogFixture().write("a", "b")
            val event = log.recorded { log.reopen() }.of("Recovery").single()
            event.getString("end") shouldBe "UNCLOSED"
            event.getLong("lastLsn") shouldBe 2
        }

        "a slow flush is an event while it hangs" {
            val log = LogFixture().write("a")
            val gate = log.store.stopAt("sync")
            val syncing = running { log.sync() }
            gate.awaitSomebody()
            val events = log.recorded {
                log.nanos += Duration.ofSeconds(2).toNanos()
                log.tick()
            }
            events.of("SlowFlush").single().getDuration("running") shouldBe Duration.ofSeconds(2)
            gate.open()
            syncing.result()
        }

        "a log runs where the flight recorder is missing" {
            Flight.begin().shouldBeInstanceOf<RecordedFlight>()
            ForkedJvm(WithoutFlight::class.java.name, listOf("--limit-modules", "java.base"), listOf()).use {
                it.output.readText().trim() shouldBe "durable 1, nothing recorded"
                it.waitFor() shouldBe 0
            }
        }
    })

/** What the flight recorder hears of this log meanwhile. */
private fun LogFixture.recorded(work: () -> Unit): List<RecordedEvent> = Recording().use { recording ->
    EVENTS.forEach { recording.enable("dev.kwal.$it").withoutThreshold() }
    recording.start()
    work()
    recording.stop()
    val file = createTempFile(suffix = ".jfr")
    recording.dump(file)
    val events = RecordingFile.readAllEvents(file)
    file.deleteExisting()
    events.filter { it.hasField("log") && it.getString("log") == "${wal.logId()}" }.sortedBy { it.startTime }
}

private fun List<RecordedEvent>.of(name: String) = filter { it.eventType.name == "dev.kwal.$name" }

/** A log in a JVM without the module of the flight recorder. */
object WithoutFlight {
    @JvmStatic
    fun main(arguments: Array<String>) {
        check(arguments.isEmpty())
        Wal.open(MemoryStore(StoreCapabilities.DURABLE), WalOptions.DEFAULT).use { log ->
            log.append("a".toByteArray(), Durability.SYNCED)
            log.rotate()
            val flight = if (Flight.begin() === Flight.NONE) "nothing recorded" else "recorded"
            println("durable ${log.durableLsn()}, $flight")
        }
    }
}
