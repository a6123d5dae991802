package dev.kwal.samples

// readme: begin
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.pin

suspend fun mailOrders(log: SuspendingWal, send: (String) -> Unit) {
    val pin = log.pin("mailer") // holds everything behind pin.lsn, after a restart, too
    log.replay(fromLsn = pin.lsn + 1).collect { record ->
        send(String(record.toByteArray()))
        if (record.lsn() % 1000 == 0L) pin.advance(record.lsn()) // durable: once for many records
    }
    pin.advance(log.lastLsn)
}
// readme: end
