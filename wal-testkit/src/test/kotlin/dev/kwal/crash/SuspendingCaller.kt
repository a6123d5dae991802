package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.coroutines.SuspendingTicket
import dev.kwal.coroutines.SuspendingWal
import java.nio.ByteBuffer
import java.util.Random
import java.util.concurrent.ConcurrentLinkedQueue

/**
 * As [Caller], in a coroutine whose calls may be cancelled: then the oracle hears of the request and of no outcome, and the
 * log may have done it or not.
 */
internal class SuspendingCaller(
    private val oracle: Oracle,
    val random: Random,
    shape: Shape,
    number: Int,
) {
    private val groups = Groups(random, shape, number)
    private val tickets = ConcurrentLinkedQueue<Ticket>()

    @Volatile
    private var lastLsn = 0L

    suspend fun call(log: SuspendingWal) {
        val level = Durability.entries[random.nextInt(3)]
        when (random.nextInt(24)) {
            in 0..7 -> append(log, level)
            in 8..10 -> appendBatch(log, level)
            in 11..12 -> tryAppend(log)
            in 13..15 -> appendAsync(log, level)
            in 16..18 -> sync(log)
            19 -> log.rotate()
            20 -> checkpoint(log)
            else -> look(log)
        }
    }

    private suspend fun append(log: SuspendingWal, level: Durability) {
        val group = groups.next(1)
        oracle.appending(group)
        done(group, log.append(group.records[0], level), level)
    }

    private suspend fun appendBatch(log: SuspendingWal, level: Durability) {
        val group = groups.next(2 + random.nextInt(5))
        oracle.appending(group)
        done(group, log.appendBatch(group.buffers(), level), level)
    }

    private fun tryAppend(log: SuspendingWal) {
        val group = groups.next(1)
        oracle.appending(group)
        val lsn = log.tryAppend(ByteBuffer.wrap(group.records[0]))
        if (lsn == Wal.NO_ROOM) oracle.refused(group) else done(group, lsn, Durability.BUFFERED)
    }

    private suspend fun appendAsync(log: SuspendingWal, level: Durability) {
        val stamp = oracle.stamp()
        val group = groups.next(1 + random.nextInt(3))
        oracle.appending(group)
        val ticket = log.appendBatchAsync(group.buffers(), level)
        done(group, ticket.lsn, Durability.BUFFERED)
        tickets.add(Ticket(ticket, level, stamp))
        if (random.nextBoolean()) awaitTickets()
    }

    private fun done(group: Group, lsn: Long, level: Durability) {
        oracle.appended(group, lsn, level)
        lastLsn = lsn
    }

    /** Cancelled, this leaves some for the next time. */
    suspend fun awaitTickets() {
        while (true) {
            val next = tickets.peek() ?: return
            oracle.acknowledged(next.ticket.reached.await(), next.level, next.stamp)
            tickets.remove(next)
        }
    }

    private suspend fun sync(log: SuspendingWal) {
        val stamp = oracle.stamp()
        when (random.nextInt(3)) {
            0 -> oracle.acknowledged(log.sync(lastLsn), Durability.SYNCED, stamp)

            1 -> oracle.acknowledged(log.commit(lastLsn, Durability.WRITTEN), Durability.WRITTEN, stamp)

            else -> {
                val lsn = log.lastLsn
                oracle.acknowledged(maxOf(lsn, log.sync()), Durability.SYNCED, stamp)
            }
        }
    }

    private suspend fun checkpoint(log: SuspendingWal) {
        val lsn = lastLsn
        oracle.checkpointing(lsn)
        log.checkpoint(lsn)
        oracle.checkpointed(lsn)
    }

    /** What the accessors say is a promise, too. */
    private fun look(log: SuspendingWal) {
        val stamp = oracle.stamp()
        oracle.acknowledged(log.durableLsn.value, Durability.SYNCED, stamp)
        oracle.acknowledged(log.writtenLsn, Durability.WRITTEN, stamp)
    }

    /** After a crash others have to say what the last record is. */
    fun reopened(itsLastLsn: Long) {
        lastLsn = itsLastLsn
    }

    private class Ticket(val ticket: SuspendingTicket, val level: Durability, val stamp: Int)
}
