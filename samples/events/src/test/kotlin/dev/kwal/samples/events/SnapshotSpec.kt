package dev.kwal.samples.events

import dev.kwal.Wal
import dev.kwal.storage.MemorySnapshotStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SnapshotStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.server.application.Application
import java.io.IOException
import java.nio.file.Path
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes

class SnapshotSpec :
    StringSpec({
        defaultTestConfig = GUARDED

        "a service that was killed begins with its newest snapshot, and reads only the events behind it" {
            val directory = tempdir().toPath()
            val before = directory.counted(20, 25)
            before shouldBe Counts(25, mapOf("order" to 20, "note" to 5))
            ForkedService(directory).use { service ->
                service.client.health().let { it.snapshotLsn to it.replayed } shouldBe (20L to 5L)
                service.client.counts() shouldBe before
            }
        }

        "the log begins behind the older of two snapshots" {
            val directory = tempdir().toPath()
            directory.counted(20, 25)
            ForkedService(directory).use { service ->
                service.client.health().firstLsn shouldBe 11
                service.client.get("/events?from=10").statusCode() shouldBe 410
                service.client.events().map { it.lsn } shouldBe (11L..25).toList()
            }
        }

        "a snapshot that is overdue at the start is taken without another event" {
            val directory = tempdir().toPath()
            ForkedService(directory).use { it.client.postInOrder(12) }
            ForkedService(directory, "--snapshot", "10").use { service ->
                service.client.awaitHealth { it.snapshotLsn == 12L }.replayed shouldBe 12
            }
        }

        "if the newest snapshot is damaged the older one counts, and the events behind that" {
            val directory = tempdir().toPath()
            val before = directory.counted(20, 25)
            val newest = directory.resolve("snapshots").listDirectoryEntries("*.snapshot").max()
            newest.writeBytes(newest.readBytes().also { it[it.size / 2]++ })
            ForkedService(directory).use { service ->
                service.client.health().let { it.snapshotLsn to it.replayed } shouldBe (10L to 15L)
                service.client.counts() shouldBe before
            }
        }

        "what is counted when it is asked for includes what was answered before" {
            served({ service(maxFollowers = 1) { inMemory() } }) {
                for (lsn in 1L..100) {
                    postInOrder(1)
                    counts() shouldBe Counts(lsn, mapOf("note" to lsn))
                }
            }
        }

        "a snapshot that cannot be written is told, events are taken on, and the next is written" {
            val failing = FailingSnapshots()
            served({
                service(maxFollowers = 1, snapshotEvery = 10) {
                    inMemory()
                    snapshots = failing
                }
            }) {
                failing.isBroken = true
                postInOrder(15)
                counts().lsn shouldBe 15
                health().snapshotLsn shouldBe 0
                metric("events_snapshot_failures_total") shouldBe 1.0
                failing.isBroken = false
                postInOrder(5)
                awaitHealth { it.snapshotLsn == 20L }
                metric("events_snapshot_lsn") shouldBe 20.0
            }
        }

        "a log of somebody else is refused, and free again afterwards" {
            val medium = MemoryStore(StoreCapabilities.DURABLE)
            Wal.open(medium, LOG_OPTIONS).use { it.append("no event".toByteArray()) }
            val module: Application.() -> Unit = {
                service(maxFollowers = 1) {
                    inMemory()
                    store = medium
                }
            }
            shouldThrow<IOException> { served(module) {} }.message shouldContain "event 1 cannot be read"
            Wal.open(medium, LOG_OPTIONS).use { it.lastLsn() shouldBe 1 }
        }
    })

private fun KwalConfig.inMemory() {
    store = MemoryStore(StoreCapabilities.DURABLE)
    snapshots = MemorySnapshotStore()
}

/** What a service counts that takes a snapshot after ten events, is killed when it has so many, and took the last one at. */
private fun Path.counted(snapshotLsn: Long, count: Int): Counts =
    ForkedService(this, "--snapshot", "10").use { service ->
        service.client.postInOrder(count - 5, "order")
        service.client.postInOrder(5, "note")
        service.client.awaitHealth { it.snapshotLsn == snapshotLsn }
        service.client.counts()
    }

private class FailingSnapshots(private val snapshots: SnapshotStore = MemorySnapshotStore()) :
    SnapshotStore by snapshots {
    @Volatile
    var isBroken = false

    override fun create(sequence: Long, content: SnapshotStore.Content) {
        if (isBroken) throw IOException("no space left")
        snapshots.create(sequence, content)
    }
}
