package dev.kwal.samples

// readme: begin
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.recordCodec
import dev.kwal.coroutines.typed
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json

@Serializable
data class Order(val id: Long, val state: String)

suspend fun typedQuickStart(log: SuspendingWal) {
    val orders = log.typed(Json.recordCodec<Order>()) // CBOR and ProtoBuf work the same way
    orders.appendAndSync(Order(1, "paid"))
    orders.replay().collect { println("${it.lsn()}: ${it.value()}") } // value() throws if it cannot be decoded
}
// readme: end
