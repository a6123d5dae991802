package dev.kwal.samples.events

import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope

class LiveSpec :
    StringSpec({
        defaultTestConfig = GUARDED

        "a reader that reads nothing holds nobody up, and gets everything when it reads at last" {
            ForkedService(tempdir().toPath()).use { service ->
                RawClient(service.uri, receiveBytes = 4096).use { stuck ->
                    stuck.send("GET /events/live?from=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    service.client.live("?from=0").use { other ->
                        service.client.awaitHealth { it.followers == 2 }
                        // Together far more than the sockets and buffers between the two ends hold.
                        service.client.postAll(COUNT, "€".repeat(Event.MAX_TEXT_CHARS))
                        other.take(COUNT).map { it.lsn } shouldBe (1L..COUNT).toList()
                    }
                    stuck.readStatus() shouldBe 200
                    val late = stuck.endlessBody()
                    List(COUNT) { late.nextEvent()?.lsn } shouldBe (1L..COUNT).toList()
                }
            }
        }

        "Last-Event-ID resumes without a gap or a repeat, also when the service was killed meanwhile" {
            val directory = tempdir().toPath()
            val seen = ArrayList<LoggedEvent>()
            ForkedService(directory).use { service ->
                service.client.live("?from=0").use { reader ->
                    service.client.postAll(5)
                    seen += reader.take(3)
                }
                service.client.live("?from=1", lastEventId = seen.last().lsn).use { seen += it.take(1) }
                service.client.postAll(3)
            }
            ForkedService(directory).use { service ->
                service.client.live(lastEventId = seen.last().lsn).use { reader ->
                    service.client.postAll(2)
                    seen += reader.take(6)
                }
                seen shouldBe service.client.events()
            }
        }

        "a reader that names no beginning gets what comes" {
            ForkedService(tempdir().toPath()).use { service ->
                service.client.postAll(3)
                service.client.live().use { reader ->
                    service.client.postAll(1)
                    reader.next()?.lsn shouldBe 4
                }
            }
        }

        "there are as many followers as there are places, and one who leaves makes room" {
            ForkedService(tempdir().toPath(), "--followers", "2").use { service ->
                val first = service.client.live()
                service.client.live().use {
                    service.client.live().use { it.status shouldBe 503 }
                    first.close()
                    service.client.awaitHealth { it.followers == 1 }
                    service.client.live().use { it.status shouldBe 200 }
                }
            }
        }
    })

private const val COUNT = 400

/** Posts events, sixteen at a time, and expects each to be taken. */
private suspend fun Client.postAll(count: Int, text: String = "text") = coroutineScope {
    (1..count).chunked(16).forEach { some ->
        some.map { async { post(Event("note", text)).statusCode() shouldBe 201 } }.awaitAll()
    }
}
