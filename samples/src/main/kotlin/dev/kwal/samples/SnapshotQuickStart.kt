package dev.kwal.samples

// readme: begin
import dev.kwal.coroutines.SuspendingSnapshots
import dev.kwal.coroutines.snapshots
import dev.kwal.coroutines.use
import dev.kwal.storage.FileSnapshotStore
import dev.kwal.storage.FileStore
import java.io.DataInputStream
import java.io.DataOutputStream
import java.nio.file.Path

suspend fun countOrder(directory: Path): Long {
    val store = FileSnapshotStore.of(directory.resolve("snapshots"))
    SuspendingSnapshots.openLog(FileStore.of(directory), store).use { log ->
        val snapshots = log.snapshots(store) // the newest two are kept, and the log from the older one on
        val recovered = snapshots.recover({ 0L }, { DataInputStream(it).readLong() }) { orders, _, _ -> orders + 1 }
        val lsn = log.appendAndSync("order paid".toByteArray())
        val orders = recovered.state + 1
        snapshots.publish(lsn) { DataOutputStream(it).writeLong(orders) } // durable before anything is dropped
        return orders
    }
}
// readme: end
