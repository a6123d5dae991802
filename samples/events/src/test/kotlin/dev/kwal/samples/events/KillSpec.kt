package dev.kwal.samples.events

import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeUnique
import io.kotest.matchers.maps.shouldContainAll
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldNotStartWith
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.serialization.json.Json
import java.io.IOException
import java.util.concurrent.ConcurrentHashMap
import kotlin.random.Random
import kotlin.time.Duration.Companion.days

/** The promise of the service, held against the worst that can happen to its process. `-Devents.rounds=20` for more, `-Devents.seed`. */
class KillSpec :
    StringSpec({
        val rounds = System.getProperty("events.rounds", "2").toInt()
        val seed = System.getProperty("events.seed")?.toInt() ?: Random.nextInt()

        "what was answered with 201 is there and counted after SIGKILL under load, once each".config(
            timeout = 365.days,
        ) {
            val directory = tempdir().toPath()
            val answered = ConcurrentHashMap<Long, String>()
            val random = Random(seed)
            println("-Devents.seed=$seed")
            for (round in 1..rounds) {
                ForkedService(directory, "--snapshot", "300").use { service ->
                    // Holds every event, as it acknowledges none.
                    service.client.put("/consumers/audit").statusCode() shouldBe if (round == 1) 201 else 200
                    val before = service.found(answered)
                    service.postUntilKilled(round, answered.size + random.nextInt(500, 2_500), answered)
                    println("round $round: $before events found, ${answered.size} answered so far; ${service.recovery}")
                }
            }
            ForkedService(directory).use { service ->
                service.recovery shouldNotStartWith "clean"
                val count = service.found(answered)
                println("at the end: $count events found, ${answered.size} answered; ${service.recovery}")
            }
        }
    })

private const val WORKERS = 200

/** Posts from many clients at once, and kills the service in the middle. */
private suspend fun ForkedService.postUntilKilled(round: Int, enough: Int, answered: MutableMap<Long, String>) {
    val isEnough = CompletableDeferred<Unit>()
    coroutineScope {
        repeat(WORKERS) { worker ->
            launch(Dispatchers.Default) {
                var number = 0
                while (true) {
                    val text = "round $round worker $worker number ${++number}"
                    val answer = try {
                        client.post(Event("load", text))
                    } catch (_: IOException) {
                        // Nobody fails before the service is killed.
                        isEnough.isCompleted shouldBe true
                        break
                    }
                    answer.statusCode() shouldBe 201
                    answered.put(Json.decodeFromString<Receipt>(answer.body()).lsn, text).shouldBeNull()
                    if (answered.size >= enough) isEnough.complete(Unit)
                }
            }
        }
        isEnough.await()
        val last = "round $round, last"
        answered.put(withContext(Dispatchers.IO) { killRightAfter(Event("last", last)) }, last).shouldBeNull()
    }
}

/**
 * Posts an event and kills the service as soon as the answer is there. Answers to the crowd wait in line until they are
 * heard, and what was answered too early may have been written meanwhile; this one is heard at once.
 */
private fun ForkedService.killRightAfter(event: Event): Long = RawClient(uri).use { client ->
    val body = Json.encodeToString(event)
    client.send(
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
            "Content-Length: ${body.length}\r\n\r\n$body",
    )
    val status = client.readStatus()
    val receipt = client.readThrough('}')
    kill()
    status shouldBe 201
    Json.decodeFromString<Receipt>(receipt).lsn
}

/** How many events are there, after a look at each. The counts are made from a snapshot and what came behind it. */
private fun ForkedService.found(answered: Map<Long, String>): Int {
    val events = client.events(path = "/consumers/audit/events")
    client.counts() shouldBe events.fold(Counts()) { counts, event ->
        counts.plus(event.lsn, Event(event.type, event.text))
    }
    events.map { it.lsn } shouldBe (1L..events.size).toList()
    events.map { it.text }.shouldBeUnique()
    events.associate { it.lsn to it.text } shouldContainAll answered
    return events.size
}
