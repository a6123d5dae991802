package dev.kwal.samples.events

import dev.kwal.Retention
import dev.kwal.storage.MemorySnapshotStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kotlinx.serialization.json.Json
import java.nio.file.Path

class ConsumerSpec :
    StringSpec({
        defaultTestConfig = GUARDED

        "a consumer holds what it has not acknowledged, over snapshots and over SIGKILL, and gets just that" {
            val directory = tempdir().toPath()
            directory.snapshotting { client ->
                client.put("/consumers/mailer").statusCode() shouldBe 201
                client.postInOrder(25)
                client.awaitHealth { it.snapshotLsn == 25L }.firstLsn shouldBe 1
                client.eventsOf("mailer") shouldBe (1L..25).toList()
                client.acknowledge("mailer", 7).lagRecords shouldBe 18
            }
            directory.snapshotting { client ->
                client.consumer("mailer").let { it.lsn to it.lagRecords } shouldBe (7L to 18L)
                client.eventsOf("mailer") shouldBe (8L..25).toList()
                client.eventsOf("mailer", "?limit=3") shouldBe listOf(8L, 9, 10)
                client.firstLsnAfterSnapshot(30) shouldBe 8
            }
        }

        "what a consumer has acknowledged is dropped, as far as the snapshots contain it" {
            tempdir().toPath().snapshotting { client ->
                client.put("/consumers/mailer")
                client.postInOrder(12)
                client.awaitHealth { it.snapshotLsn == 10L }.firstLsn shouldBe 1
                client.acknowledge("mailer", 12).lagRecords shouldBe 0
                client.firstLsnAfterSnapshot(15) shouldBe 11
                client.acknowledge("mailer", 15)
                client.eventsOf("mailer") shouldBe emptyList()
            }
        }

        "events that were read and not acknowledged are handed out again" {
            val directory = tempdir().toPath()
            directory.snapshotting { client ->
                client.put("/consumers/mailer")
                client.postInOrder(3)
                client.eventsOf("mailer") shouldBe listOf(1L, 2, 3)
                client.eventsOf("mailer") shouldBe listOf(1L, 2, 3)
            }
            directory.snapshotting { it.eventsOf("mailer") shouldBe listOf(1L, 2, 3) }
        }

        "each consumer has a place of its own, and the last decides what is held" {
            tempdir().toPath().snapshotting { client ->
                client.put("/consumers/fast")
                client.put("/consumers/slow")
                client.postInOrder(20)
                client.awaitHealth { it.snapshotLsn == 20L }
                client.acknowledge("fast", 20)
                client.acknowledge("slow", 4)
                client.firstLsnAfterSnapshot(25) shouldBe 5
                client.consumers().map { it.name to it.lsn } shouldBe listOf("fast" to 20L, "slow" to 4L)
                client.delete("/consumers/slow").statusCode() shouldBe 204
                client.firstLsnAfterSnapshot(30) shouldBe 21
                client.get("/consumers/slow").statusCode() shouldBe 404
            }
        }

        "a consumer that keeps a full log from taking events is dropped, and events are taken" {
            val segmentBytes = 4096
            val quota = segmentBytes * 8L
            served({
                service(maxFollowers = 1, snapshotEvery = 20) {
                    store = MemoryStore(StoreCapabilities.DURABLE)
                    snapshots = MemorySnapshotStore()
                    options = options.withSegmentBytes(segmentBytes.toLong())
                        .withRetention(Retention.UNLIMITED.withMaxBytes(quota))
                }
            }) {
                put("/consumers/idle").statusCode() shouldBe 201
                val taken = generateSequence { postInOrder(1) }.takeWhile { get("/consumers/idle").statusCode() == 200 }
                taken.count() shouldBeGreaterThan 100
                postInOrder(20)
                health().firstLsn shouldBeGreaterThan 1
                health().sizeBytes shouldBeLessThanOrEqual quota
                put("/consumers/idle/acknowledged?lsn=1").statusCode() shouldBe 404
            }
        }

        "a name that is none, a consumer that is none, and an event that is none are refused" {
            tempdir().toPath().snapshotting { client ->
                for (name in listOf("Mailer", "a%2Fb", "a%20b", "a".repeat(65))) {
                    withClue(name) { client.put("/consumers/$name").statusCode() shouldBe 400 }
                }
                client.get("/consumers/nobody/events").statusCode() shouldBe 404
                client.put("/consumers/nobody/acknowledged?lsn=0").statusCode() shouldBe 404
                client.put("/consumers/mailer").statusCode() shouldBe 201
                client.put("/consumers/mailer").statusCode() shouldBe 200
                client.postInOrder(2)
                for (lsn in listOf("", "?lsn=x", "?lsn=-1", "?lsn=3")) {
                    withClue(lsn) { client.put("/consumers/mailer/acknowledged$lsn").statusCode() shouldBe 400 }
                }
                client.consumer("mailer").lsn shouldBe 0
            }
        }

        "there are as many consumers as there are places, and one who gives up makes room" {
            tempdir().toPath().snapshotting { client ->
                repeat(MAX_CONSUMERS) { client.put("/consumers/c$it").statusCode() shouldBe 201 }
                client.put("/consumers/more").statusCode() shouldBe 503
                client.delete("/consumers/c7").statusCode() shouldBe 204
                client.put("/consumers/more").statusCode() shouldBe 201
            }
        }
    })

/** A service that takes a snapshot after five events. It is killed in the end. */
private suspend fun Path.snapshotting(test: suspend (Client) -> Unit) =
    ForkedService(this, "--snapshot", "5").use { test(it.client) }

/** Where the log begins when so many events were posted that a snapshot contains this one. */
private fun Client.firstLsnAfterSnapshot(lsn: Long): Long {
    postInOrder((lsn - health().lastLsn).toInt())
    return awaitHealth { it.snapshotLsn == lsn }.firstLsn
}

private fun Client.eventsOf(name: String, query: String = ""): List<Long> =
    events(query, "/consumers/$name/events").map { it.lsn }

private fun Client.consumers(): List<Consumer> = Json.decodeFromString(get("/consumers").body())

private fun Client.consumer(name: String): Consumer = Json.decodeFromString(get("/consumers/$name").body())

private fun Client.acknowledge(name: String, lsn: Long): Consumer =
    Json.decodeFromString(put("/consumers/$name/acknowledged?lsn=$lsn").body())
