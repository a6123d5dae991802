package dev.kwal.samples.events

import java.nio.file.Path

/** How the service was started. */
internal data class Settings(
    val host: String,
    val port: Int,
    val directory: Path,
    val followers: Int,
    val snapshot: Int,
) {
    companion object {
        const val USAGE = """Usage: events [--port 8080] [--host 127.0.0.1] [--directory target/events] [--followers 256]
              [--snapshot 10000]
Each may come from the environment instead: EVENTS_PORT, EVENTS_HOST, EVENTS_DIRECTORY, EVENTS_FOLLOWERS, EVENTS_SNAPSHOT.
Port 0 stands for any free port. A snapshot is taken after as many events as --snapshot says."""

        private val NAMES = listOf("port", "host", "directory", "followers", "snapshot")

        /** @throws IllegalArgumentException if there is an unknown or malformed argument, with the argument in the message */
        fun of(arguments: List<String>, environment: Map<String, String>): Settings {
            val given = arguments.chunked(2).associate { pair ->
                val name = pair.first().removePrefix("--")
                require(pair.first().startsWith("--") && name in NAMES) { "unknown argument ${pair.first()}" }
                require(pair.size == 2) { "${pair.first()} has no value" }
                name to pair.last()
            }
            fun value(name: String, default: String) =
                given[name] ?: environment["EVENTS_${name.uppercase()}"] ?: default
            fun number(name: String, default: Int, range: IntRange): Int {
                val text = value(name, "$default")
                return requireNotNull(
                    text.toIntOrNull()?.takeIf {
                        it in range
                    },
                ) { "$name is '$text', expected $range" }
            }
            return Settings(
                value("host", "127.0.0.1"),
                number("port", 8080, 0..65_535),
                Path.of(value("directory", "target/events")).toAbsolutePath(),
                number("followers", 256, 1..100_000),
                number("snapshot", SNAPSHOT_EVERY, 1..MAX_SNAPSHOT_EVERY),
            )
        }
    }
}
