package dev.kwal.samples.demo

import dev.kwal.Durability
import dev.kwal.WalOptions
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.use
import dev.kwal.storage.FileStore
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.FileDescriptor
import java.io.FileOutputStream
import java.nio.file.Path

internal const val WORKERS = 64

/** Ends each line in which the writer says that a record is safe. */
internal const val SAFE = " is safe"

/** Small segments, so that the log goes through many of them. */
internal val DEMO_OPTIONS: WalOptions = WalOptions.DEFAULT.withSegmentBytes(1 shl 20)

/** Every fourth worker is content with what survives the process; the others want what survives power loss. */
internal fun levelOf(worker: Int): Durability = if (worker % 4 == 0) Durability.WRITTEN else Durability.SYNCED

/**
 * The process that is killed: takes a directory and the number of a round, appends until it dies, and says of each
 * record when it has been acknowledged, in a line of its own.
 */
internal object Writer {
    @JvmStatic
    fun main(args: Array<String>) = runBlocking(Dispatchers.Default) {
        val (directory, round) = args
        val out = FileOutputStream(FileDescriptor.out)
        SuspendingWal.open(FileStore.of(Path.of(directory)), DEMO_OPTIONS).use { log ->
            val workers = List(WORKERS) { worker ->
                launch {
                    var number = 0
                    while (true) {
                        val stamp = Stamp(round.toInt(), worker, ++number)
                        val lsn = log.append(stamp.record(), levelOf(worker))
                        out.write("$lsn $worker $number$SAFE\n".toByteArray())
                    }
                }
            }
            workers.forEach { it.join() }
        }
    }
}
