package dev.kwal.samples.events

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SegmentWriter
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.StoreLockedException
import dev.kwal.storage.WalStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.client.HttpClient
import io.ktor.client.request.get
import io.ktor.client.request.post
import io.ktor.client.request.prepareGet
import io.ktor.client.request.setBody
import io.ktor.client.statement.bodyAsChannel
import io.ktor.client.statement.bodyAsText
import io.ktor.http.ContentType
import io.ktor.http.contentType
import io.ktor.server.testing.testApplication
import io.ktor.utils.io.readLine
import io.ktor.utils.io.readRemaining
import io.ktor.utils.io.readText
import kotlinx.serialization.json.Json
import java.io.IOException
import java.nio.ByteBuffer

/** The application in this process, over a store that is told when to fail. */
class HealthSpec :
    StringSpec({
        "a log that is open is well" {
            served(FailingStore()) {
                post(this) shouldBe 201
                val (status, health) = health()
                status shouldBe 200
                health.copy(sizeBytes = 0, recovery = "") shouldBe
                    Health("open", null, 1, 1, health.durableLsn, 0, 1, 0, "")
            }
        }

        "a log that failed is not well: it refuses events, tells why, and shows what is durable" {
            val store = FailingStore()
            served(store) {
                post(this) shouldBe 201
                store.isBroken = true
                post(this) shouldBe 503
                val health = awaitState("failed")
                health.cause shouldContain "the medium failed"
                get("/events").bodyAsText() shouldBe """{"lsn":1,"type":"a","text":"b"}""" + "\n"
                get("/events/live").status.value shouldBe 503
            }
        }

        "a live stream tells that the log failed, and ends" {
            val store = FailingStore()
            served(store) {
                post(this) shouldBe 201
                prepareGet("/events/live?from=1").execute { answer ->
                    val stream = answer.bodyAsChannel()
                    while (stream.readLine() != "id: 1") continue
                    store.isBroken = true
                    post(this) shouldBe 503
                    stream.readRemaining().readText() shouldContain "event: fault"
                }
            }
        }

        "a log without space is not well: it refuses events, and takes them when there is space again" {
            val store = FailingStore()
            served(store) {
                post(this) shouldBe 201
                store.isFull = true
                generateSequence { 201 }.first { post(this) == 507 }
                awaitState("no space").cause shouldContain "no space left"
                store.isFull = false
                post(this) shouldBe 201
                awaitState("open").cause shouldBe null
            }
        }

        "an application whose log cannot be opened does not start" {
            val store = FailingStore()
            store.lock().use {
                shouldThrow<StoreLockedException> { served(store) { post(this) } }
            }
        }
    })

private suspend fun served(store: WalStore, test: suspend HttpClient.() -> Unit) = testApplication {
    application {
        service(maxFollowers = 4) {
            this.store = store
            options = LOG_OPTIONS.withSegmentBytes(1024)
        }
    }
    client.test()
}

private suspend fun post(client: HttpClient): Int = client.post("/events") {
    contentType(ContentType.Application.Json)
    setBody("""{"type":"a","text":"b"}""")
}.status.value

private suspend fun HttpClient.health(): Pair<Int, Health> {
    val answer = get("/health")
    return answer.status.value to Json.decodeFromString(answer.bodyAsText())
}

/** Asks until the log is in that state: the flow of states is a moment behind. */
private suspend fun HttpClient.awaitState(state: String): Health {
    while (true) {
        val (status, health) = health()
        if (health.state == state) {
            status shouldBe if (state == "open") 200 else 503
            return health
        }
    }
}

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
