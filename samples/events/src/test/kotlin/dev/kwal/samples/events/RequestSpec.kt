package dev.kwal.samples.events

import dev.kwal.Wal
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kotlinx.serialization.json.Json
import java.net.http.HttpResponse

class RequestSpec :
    StringSpec({
        defaultTestConfig = GUARDED

        val service by lazy { ForkedService(tempdir().toPath()) }
        afterSpec { service.close() }

        "an event is answered with its LSN and its place, and can be read there" {
            val answer = service.client.post("""{"type":"greeting","text":"hello, \"wörld\""}""")
            answer.statusCode() shouldBe 201
            val lsn = Json.decodeFromString<Receipt>(answer.body()).lsn
            val place = answer.headers().firstValue("Location").get()
            service.client.get(place).body() shouldBe
                """{"lsn":$lsn,"type":"greeting","text":"hello, \"wörld\""}""" + "\n"
        }

        "events are read from where and as many as asked" {
            repeat(4) { service.client.post(Event("note", "number $it")).statusCode() shouldBe 201 }
            val all = service.client.events()
            all.map { it.lsn } shouldBe (1L..all.size).toList()
            service.client.events("?from=0") shouldBe all
            service.client.events("?from=2&limit=2") shouldBe all.subList(1, 3)
            service.client.events("?from=${all.size + 1}") shouldBe emptyList()
        }

        "a body that is no event is refused with a reason, and nothing is appended" {
            val before = service.client.health().lastLsn
            val bodies = mapOf(
                "" to "EOF",
                "{" to "EOF",
                "nonsense" to "offset 0",
                "[]" to "offset 0",
                """{"text":"a"}""" to "'type' is required",
                """{"type":"a"}""" to "'text' is required",
                """{"type":"a","text":null}""" to "offset",
                """{"type":1,"text":"a"}""" to "offset",
                """{"type":"a","text":"b","more":1}""" to "unknown key 'more'",
                """{"type":" ","text":"a"}""" to "type is blank",
                """{"type":"${"a".repeat(65)}","text":"a"}""" to "at most 64",
                """{"type":"a","text":"${"b".repeat(8193)}"}""" to "at most 8192",
            )
            for ((body, reason) in bodies) {
                withClue(body.take(40)) { service.client.post(body).shouldRefuse(400, reason) }
            }
            service.client.post("""{"type":"a","text":"b"}""", "text/plain").shouldRefuse(415, "text/plain")
            service.client.health().lastLsn shouldBe before
        }

        "the longest event is taken, in the longest way to write it" {
            val text = "\\u00e4".repeat(Event.MAX_TEXT_CHARS)
            service.client.post("""{"type":"long","text":"$text"}""").statusCode() shouldBe 201
        }

        "too large a body is refused, also one that does not say how long it is" {
            val body = """{"type":"a","text":"${"b".repeat(MAX_BODY_BYTES)}"}"""
            service.client.post(body).shouldRefuse(413, "at most $MAX_BODY_BYTES bytes")
            RawClient(service.uri).use { client ->
                client.send(
                    "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
                        "Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n$body\r\n0\r\n\r\n",
                )
                client.readStatus() shouldBe 413
            }
        }

        "a beginning that is no LSN of this log is refused, by both streams" {
            val end = service.client.health().lastLsn + 1
            for (path in listOf("/events", "/events/live")) {
                for (from in listOf("x", "1.5", "-1", "${end + 1}", "99999999999999999999", "")) {
                    withClue("$path $from") { service.client.get("$path?from=$from").shouldRefuse(400, "from is") }
                }
            }
            service.client.live(lastEventId = end).use { it.status shouldBe 400 }
            for (limit in listOf("0", "-1", "many")) {
                service.client.get("/events?limit=$limit").shouldRefuse(400, "limit is")
            }
        }

        "events that were dropped are gone" {
            ForkedService(tempdir().toPath(), "--snapshot", "1").use { service ->
                service.client.postInOrder(4)
                service.client.awaitHealth { it.snapshotLsn == 4L }
                service.client.get("/events?from=3").shouldRefuse(410, "the first is 4")
                service.client.get("/events/live?from=1").shouldRefuse(410, "the first is 4")
                service.client.events() shouldBe listOf(LoggedEvent(4, "note", "text"))
            }
        }

        "a log that is larger than the memory of the service is read to its end" {
            val directory = tempdir().toPath()
            val event = Json.encodeToString(Event("large", "€".repeat(Event.MAX_TEXT_CHARS))).toByteArray()
            val count = ForkedService.HEAP_BYTES / event.size * 5L / 4
            Wal.open(directory).use { log -> repeat(count.toInt()) { log.append(event) } }
            ForkedService(directory).use { it.client.countLines("/events") shouldBe count }
        }

        "what is not there is told in JSON" {
            service.client.get("/nowhere").shouldRefuse(404, "not found")
        }
    })

private fun HttpResponse<String>.shouldRefuse(status: Int, reason: String) {
    statusCode() shouldBe status
    Json.decodeFromString<Fault>(body()).error shouldContain reason
}
