package dev.kwal.samples.events

import io.kotest.core.test.config.DefaultTestConfig
import io.ktor.server.application.Application
import io.ktor.server.cio.CIO
import io.ktor.server.engine.embeddedServer
import kotlinx.coroutines.future.await
import kotlinx.serialization.json.Json
import java.io.BufferedReader
import java.io.Closeable
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse
import java.net.http.HttpResponse.BodyHandlers
import java.time.Duration
import kotlin.time.toKotlinDuration

/** Guards against hanging; no test waits for it. */
internal val GUARD: Duration = Duration.ofMinutes(5)

/** For tests that read streams, which may never bring what a test expects. */
internal val GUARDED = DefaultTestConfig(timeout = GUARD.toKotlinDuration(), blockingTest = true)

private val http: HttpClient = HttpClient.newBuilder().version(
    HttpClient.Version.HTTP_1_1,
).connectTimeout(GUARD).build()

/** A client of the service at an address. */
internal class Client(private val uri: URI) {

    fun get(path: String): HttpResponse<String> = http.send(request(path).build(), BodyHandlers.ofString())

    fun post(body: String, contentType: String = "application/json", path: String = "/events"): HttpResponse<String> =
        http.send(postRequest(body, contentType, path), BodyHandlers.ofString())

    /** Posts an event. It is sent once, whatever happens. */
    suspend fun post(event: Event): HttpResponse<String> =
        http.sendAsync(postRequest(Json.encodeToString(event)), BodyHandlers.ofString()).await()

    fun put(path: String): HttpResponse<String> =
        http.send(request(path).PUT(BodyPublishers.noBody()).build(), BodyHandlers.ofString())

    fun delete(path: String): HttpResponse<String> =
        http.send(request(path).DELETE().build(), BodyHandlers.ofString())

    fun events(query: String = "", path: String = "/events"): List<LoggedEvent> =
        get("$path$query").body().lines().filter { it.isNotEmpty() }.map { Json.decodeFromString(it) }

    fun counts(): Counts = Json.decodeFromString(get("/types").body())

    /** The value of a line of `/metrics`. */
    fun metric(line: String): Double = get("/metrics").body().lines().single { it.startsWith("$line ") }
        .substringAfterLast(' ').toDouble()

    /** How many lines an answer has, which may be too long to hold. */
    fun countLines(path: String): Long = http.send(request(path).build(), BodyHandlers.ofLines()).body().count()

    fun health(): Health = Json.decodeFromString(get("/health").body())

    /** Asks again and again until the service is like that. */
    fun awaitHealth(isSo: (Health) -> Boolean): Health = generateSequence { health() }.first(isSo)

    /** Posts events, one after another, and expects each to be taken. */
    fun postInOrder(count: Int, type: String = "note") = repeat(count) {
        check(post("""{"type":"$type","text":"text"}""").statusCode() == 201)
    }

    fun live(query: String = "", lastEventId: Long? = null): LiveReader {
        val request = request("/events/live$query")
        lastEventId?.let { request.header("Last-Event-ID", "$it") }
        return LiveReader(http.send(request.build(), BodyHandlers.ofInputStream()))
    }

    private fun postRequest(
        body: String,
        contentType: String = "application/json",
        path: String = "/events",
    ): HttpRequest = request(path).header("Content-Type", contentType).POST(BodyPublishers.ofString(body)).build()

    private fun request(path: String) = HttpRequest.newBuilder(uri.resolve(path)).timeout(GUARD)
}

/** An application in this process, over its real engine: that of Ktor's test host loses the end of some answers. */
internal suspend fun served(module: Application.() -> Unit, test: suspend Client.() -> Unit) {
    val server = embeddedServer(CIO, port = 0, host = "localhost", module = module)
    server.startSuspend()
    try {
        val address = server.engine.resolvedConnectors().first()
        Client(URI("http://${address.host}:${address.port}/")).test()
    } finally {
        server.stopSuspend()
    }
}

/** The lines of a live stream, as they come. */
internal class LiveReader(response: HttpResponse<java.io.InputStream>) : Closeable {
    val status: Int = response.statusCode()
    private val lines: BufferedReader = response.body().bufferedReader()

    /** The next event; null at the end of the stream. Its ID is its LSN. */
    fun next(): LoggedEvent? = lines.nextEvent()

    fun take(count: Int): List<LoggedEvent> = List(count) { checkNotNull(next()) { "the stream ended" } }

    /** Everything to the end of the stream, as it came. */
    fun rest(): String = lines.readText()

    override fun close() = lines.close()
}

/** The next event of a stream of server-sent events. */
internal fun BufferedReader.nextEvent(): LoggedEvent? {
    var event: LoggedEvent? = null
    while (true) {
        val line = readLine() ?: return null
        when {
            line.startsWith("data: ") -> event = Json.decodeFromString(line.removePrefix("data: "))
            line.startsWith("id: ") -> check(line == "id: ${event?.lsn}") { "$line, for $event" }
            line.isEmpty() && event != null -> return event
        }
    }
}
