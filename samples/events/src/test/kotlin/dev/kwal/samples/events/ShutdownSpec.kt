package dev.kwal.samples.events

import dev.kwal.RecoveryReport
import dev.kwal.Wal
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith

private const val IN_FLIGHT = 20
private const val SIGTERM_EXIT = 128 + 15

class ShutdownSpec :
    StringSpec({
        defaultTestConfig = GUARDED

        "on SIGTERM the requests in flight are answered, live streams end, and the log is closed" {
            val directory = tempdir().toPath()
            ForkedService(directory).use { service ->
                val stream = service.client.live()
                val body = """{"type":"late","text":"in flight"}"""
                val clients = List(IN_FLIGHT) { RawClient(service.uri) }
                for (client in clients) {
                    client.send(
                        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
                            "Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n",
                    )
                    client.readStatus() shouldBe 100
                }

                service.terminate()
                // Stopping has begun when the stream ends; only now do the clients say what they want.
                stream.next().shouldBeNull()
                clients.forEach { it.send(body) }
                clients.forEach { client -> client.use { it.readStatus() shouldBe 201 } }
                service.awaitExit() shouldBe ("Closed.\n" to SIGTERM_EXIT)
            }
            Wal.open(directory).use { log ->
                log.recovery().end() shouldBe RecoveryReport.End.CLEAN
                log.lastLsn() shouldBe IN_FLIGHT
            }
        }

        "a service that was stopped finds its log clean" {
            val directory = tempdir().toPath()
            ForkedService(directory).use { service ->
                service.client.post("""{"type":"a","text":"b"}""").statusCode() shouldBe 201
                service.terminate()
                service.awaitExit().second shouldBe SIGTERM_EXIT
            }
            ForkedService(directory).use { it.recovery shouldStartWith "clean" }
        }
    })
