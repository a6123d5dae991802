package dev.kwal.samples.events

// readme: begin
import io.ktor.server.application.Application
import io.ktor.server.application.install
import io.ktor.server.request.receive
import io.ktor.server.response.respondText
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import java.nio.file.Path

fun Application.orders(log: Path) {
    install(Kwal) { directory = log } // open before the first request, closed after the last
    routing {
        post("/orders") {
            val lsn = call.kwal.appendAndSync(call.receive<ByteArray>()) // durable first,
            call.respondText("$lsn") // then acknowledged
        }
    }
}
// readme: end
