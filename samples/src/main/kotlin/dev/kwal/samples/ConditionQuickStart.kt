package dev.kwal.samples

// readme: begin
import dev.kwal.WalConflictException
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.SuspendingWriter
import dev.kwal.coroutines.beginWriting
import java.nio.ByteBuffer

suspend fun appendDecided(log: SuspendingWal, decide: suspend (seenLsn: Long) -> ByteBuffer): Long {
    while (true) {
        val seen = log.lastLsn
        try {
            return log.appendIf(seen + 1, decide(seen)) // only if nothing came between
        } catch (e: WalConflictException) {
            println("decided by $seen, but ${e.actualNextLsn()} is next: again")
        }
    }
}

suspend fun lead(log: SuspendingWal): SuspendingWriter = log.beginWriting() // who led before can append no more
// readme: end
