package dev.kwal.benchmarks.load

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.coroutines.asSuspending
import dev.kwal.okio.OkioStore
import dev.kwal.storage.FileStore
import dev.kwal.storage.WalStore
import kotlinx.coroutines.runBlocking
import okio.FileSystem
import okio.Path.Companion.toOkioPath
import java.nio.ByteBuffer
import java.nio.file.Path

/** Where the segments are. */
internal enum class StoreKind {
    FILES {
        override fun store(directory: Path): WalStore = FileStore.of(directory)
    },

    /** Files that grow: nothing is written ahead. */
    GROWING_FILES {
        override fun store(directory: Path): WalStore = FileStore.of(directory).withPreallocation(false)
    },
    OKIO {
        override fun store(directory: Path): WalStore = OkioStore(FileSystem.SYSTEM, directory.toOkioPath())
    }, ;

    abstract fun store(directory: Path): WalStore
}

/** What is appended, and how. */
internal data class Appends(
    val level: Durability,
    val recordBytes: Int = 256,
    val callers: Int = 1,
    val kind: ThreadKind = ThreadKind.PLATFORM,
    val store: StoreKind = StoreKind.FILES,
    val options: WalOptions = WalOptions.DEFAULT,
) {
    /** Appends to a new log in each round, for as long as the round takes, from the start of a prepared segment on. */
    fun bySeconds(): Side = side { seconds -> inNewLog { work(it.begun(), seconds, Long.MAX_VALUE) }.score() }

    /** Appends so many bytes of records to a new log in each round. The time ends with the last append. */
    fun byBytes(bytes: Long): Side = side {
        inNewLog { work(it.begun(), HOUR, bytes / recordBytes / callers) }.score()
    }

    /** The 99.9th percentile of the time that one append takes, in milliseconds. */
    fun slowest(): Side = side { seconds ->
        inNewLog { log ->
            val times = Times()
            val append = appendTo(log.begun())
            Callers(1).work(seconds) { Operation { times.measure(append) } }
            Score(times.percentile(99.9))
        }
    }

    private fun work(log: Wal, seconds: Double, limit: Long): Tally =
        Callers(callers, kind).work(seconds, limit) { appendTo(log) }

    private fun appendTo(log: Wal): Operation {
        val record = ByteBuffer.wrap(recordOf(recordBytes))
        return Operation { log.append(record.clear(), level) }
    }

    private inline fun <T> inNewLog(block: (Wal) -> T): T = Scratch.use("log") { directory ->
        Wal.open(store.store(directory), options).use(block)
    }
}

/** Synced appends by so many coroutines. */
internal fun coroutineAppends(coroutines: Int): Side = side { seconds ->
    Scratch.use("coroutines") { directory ->
        Wal.open(directory).use { log ->
            val suspending = log.begun().asSuspending()
            val record = recordOf(256)
            try {
                coroutinesWork(coroutines, seconds) { suspending.appendAndSync(record) }.score()
            } finally {
                runBlocking { suspending.close() }
            }
        }
    }
}

/** The first segment of a log grows as it is filled. Those behind it are prepared whole, as the files of limits are. */
private fun Wal.begun(): Wal = apply {
    append(recordOf(1))
    rotate()
}

/** Replays of one warm log, from its first record to its last, on one core or with a second one reading ahead. */
internal class Replays(recordBytes: Int, private val records: Long, readAhead: Boolean) : Side {
    private val directory = Scratch.make("replay")

    init {
        Wal.open(directory).use { log ->
            val record = ByteBuffer.wrap(recordOf(recordBytes))
            repeat(records.toInt()) { log.append(record.clear(), Durability.BUFFERED) }
        }
    }

    private val log = Wal.openReadOnly(FileStore.of(directory), WalOptions.DEFAULT.withReadAhead(readAhead))

    override fun round(seconds: Double): Score = Callers(1).work(seconds) { Operation(::replay) }.each(records)

    private fun replay() {
        var count = 0L
        log.replay(1).use { cursor ->
            while (cursor.next()) count++
        }
        check(count == records) { "a replay found $count records, expected $records" }
    }

    override fun close() {
        log.close()
        Scratch.delete(directory)
    }
}

/** The same tally, told in records. */
internal fun Tally.each(records: Long) = copy(operations = operations * records).score()

internal const val HOUR = 3600.0
