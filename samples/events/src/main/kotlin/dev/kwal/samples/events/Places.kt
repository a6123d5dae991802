package dev.kwal.samples.events

import io.ktor.http.HttpStatusCode
import java.util.concurrent.atomic.AtomicInteger

/** As many places as there are clients that may do the same thing at a time. */
internal class Places(private val limit: Int) {
    private val taken = AtomicInteger()

    /** How many are taken. */
    val count: Int get() = taken.get()

    /** Holds a place during [stay], or refuses: a client that waits in line would only see that nothing happens. */
    suspend fun take(stay: suspend () -> Unit) {
        try {
            if (taken.incrementAndGet() > limit) {
                refuse(HttpStatusCode.ServiceUnavailable, "all $limit places are taken, try again later")
            }
            stay()
        } finally {
            taken.decrementAndGet()
        }
    }
}
