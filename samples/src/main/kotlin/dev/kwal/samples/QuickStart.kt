package dev.kwal.samples

// readme: begin
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.use
import java.nio.file.Path

suspend fun quickStart(directory: Path) {
    SuspendingWal.open(directory).use { log ->
        val lsn = log.appendAndSync("order 1 paid".toByteArray()) // survives power loss when this returns
        log.append("order 1 packed".toByteArray()) // survives kill -9 when this returns
        log.sync() // and power loss, from here on
        log.replay(fromLsn = lsn).collect { record -> println("${record.lsn()}: ${String(record.toByteArray())}") }
    }
}
// readme: end
