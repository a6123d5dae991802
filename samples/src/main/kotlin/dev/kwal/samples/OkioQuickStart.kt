package dev.kwal.samples

// readme: begin
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.okio.OkioStore
import dev.kwal.okio.appendAndSync
import dev.kwal.okio.toByteString
import okio.ByteString.Companion.encodeUtf8
import okio.FileSystem
import okio.Path

fun okioQuickStart(directory: Path) {
    Wal.open(OkioStore(FileSystem.SYSTEM, directory), WalOptions.DEFAULT).use { log ->
        val lsn = log.appendAndSync("order 1 paid".encodeUtf8())
        println("$lsn: ${log.read(lsn).toByteString().utf8()}")
    }
}
// readme: end
