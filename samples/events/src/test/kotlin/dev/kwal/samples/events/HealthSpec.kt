package dev.kwal.samples.events

import dev.kwal.storage.MemorySnapshotStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.StoreLockedException
import dev.kwal.storage.WalStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.server.application.Application
import kotlinx.serialization.json.Json
import java.io.IOException
import java.nio.ByteBuffer

/** The service in this process, over a store that is told when to fail. */
class HealthSpec :
    StringSpec({
        defaultTestConfig = GUARDED

        "a log that is open is well" {
            served(FailingStore()) {
                post() shouldBe 201
                val answer = get("/health")
                answer.statusCode() shouldBe 200
                val health = Json.decodeFromString<Health>(answer.body())
                health.copy(sizeBytes = 0, recovery = "") shouldBe
                    Health("open", null, 1, 1, health.durableLsn, 0, 1, 0, "", 0, 0)
            }
        }

        "a log that failed is not well: it refuses events, tells why, and shows what is durable" {
            val store = FailingStore()
            served(store) {
                post() shouldBe 201
                store.isBroken = true
                post() shouldBe 503
                awaitState("failed").cause shouldContain "the medium failed"
                get("/health").statusCode() shouldBe 503
                get("/events").body() shouldBe """{"lsn":1,"type":"a","text":"b"}""" + "\n"
                get("/events/live").statusCode() shouldBe 503
            }
        }

        "a live stream tells that the log failed, and ends" {
            val store = FailingStore()
            served(store) {
                post() shouldBe 201
                live("?from=1").use { stream ->
                    stream.next()?.lsn shouldBe 1
                    store.isBroken = true
                    post() shouldBe 503
                    stream.rest() shouldContain "event: fault"
                }
            }
        }

        "a log without space is not well: it refuses events, and takes them when there is space again" {
            val store = FailingStore()
            served(store) {
                post() shouldBe 201
                store.isFull = true
                generateSequence { post() }.first { it != 201 } shouldBe 507
                awaitState("no space").cause shouldContain "no space left"
                get("/health").statusCode() shouldBe 503
                store.isFull = false
                post() shouldBe 201
                awaitState("open").cause shouldBe null
                get("/health").statusCode() shouldBe 200
            }
        }

        "a service whose log cannot be opened does not start" {
            val store = FailingStore()
            store.lock().use {
                shouldThrow<StoreLockedException> { served(store) { post() } }
            }
        }
    })

private suspend fun served(store: WalStore, test: suspend Client.() -> Unit) {
    val module: Application.() -> Unit = {
        service(maxFollowers = 4) {
            this.store = store
            snapshots = MemorySnapshotStore()
            options = options.withSegmentBytes(1024)
        }
    }
    served(module, test)
}

private fun Client.post(): Int = post("""{"type":"a","text":"b"}""").statusCode()

/** Asks until the log is in that state: the flow of states is a moment behind. */
private fun Client.awaitState(state: String): Health = awaitHealth { it.state == state }

/** A store in memory, whose disk breaks or fills up when it is told to. */
private class FailingStore(
    private val medium: WalStore = MemoryStore(StoreCapabilities.DURABLE),
) : WalStore by medium {
    @Volatile
    var isBroken = false

    @Volatile
    var isFull = false

    override fun create(sequence: Long, header: ByteBuffer, expectedBytes: Long): SegmentWriter {
        if (isFull) throw IOException("no space left")
        return Writer(medium.create(sequence, header, expectedBytes))
    }

    override fun resume(sequence: Long, position: Long, expectedBytes: Long): SegmentWriter =
        Writer(medium.resume(sequence, position, expectedBytes))

    private inner class Writer(private val writer: SegmentWriter) : SegmentWriter by writer {
        override fun sync() {
            if (isBroken) throw IOException("the medium failed")
            writer.sync()
        }
    }
}
