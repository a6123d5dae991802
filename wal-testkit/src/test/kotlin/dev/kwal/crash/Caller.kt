package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalNoSpaceException
import dev.kwal.WalState
import java.io.IOException
import java.nio.ByteBuffer
import java.util.Random
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException

/** Somebody who uses a log and tells the oracle. */
internal class Caller(
    private val oracle: Oracle,
    val random: Random,
    shape: Shape,
    number: Int = 0,
    foreignBytes: () -> ByteArray? = { null },
) {
    private val groups = Groups(random, shape, number, foreignBytes)

    private val tickets = ArrayList<CompletableFuture<Void>>()

    /** The end of the last group that this caller appended. */
    @Volatile
    var lastLsn = 0L
        private set

    /** Does something to the log, and says what. */
    fun append(wal: Wal): String {
        val level = Durability.values()[random.nextInt(3)]
        return when (random.nextInt(16)) {
            in 0..6 -> "append $level".also { appendWaiting(wal, level) }
            in 7..10 -> "tryAppend".also { tryAppend(wal) }
            in 11..13 -> "appendBatch $level".also { appendBatch(wal, level) }
            14 -> "appendAsync $level".also { appendAsync(wal, level, group(1)) }
            else -> "appendBatchAsync $level".also { appendAsync(wal, level, group(2 + random.nextInt(4))) }
        }
    }

    fun appendWaiting(wal: Wal, level: Durability) {
        val group = group(1)
        accepted(group, level) { wal.append(ByteBuffer.wrap(group.records[0]), level) }
    }

    fun appendBatch(wal: Wal, level: Durability) {
        val group = group(2 + random.nextInt(6))
        accepted(group, level) { wal.appendBatch(group.buffers(), level) }
    }

    fun tryAppend(wal: Wal) {
        val group = group(if (random.nextInt(4) == 0) 3 else 1)
        oracle.appending(group)
        val lsn = if (group.count == 1) {
            wal.tryAppend(ByteBuffer.wrap(group.records[0]))
        } else {
            wal.tryAppendBatch(group.buffers())
        }
        if (lsn == Wal.NO_ROOM) oracle.refused(group) else done(group, lsn, Durability.BUFFERED)
    }

    fun appendAsync(wal: Wal, level: Durability, group: Group = group(1)) {
        val stamp = oracle.stamp()
        accepted(group, Durability.BUFFERED) {
            val ticket = if (group.count == 1) {
                wal.appendAsync(ByteBuffer.wrap(group.records[0]), level)
            } else {
                wal.appendBatchAsync(group.buffers(), level)
            }
            tickets.add(ticket.reached.thenAccept { oracle.acknowledged(it, level, stamp) }.toCompletableFuture())
            ticket.lsn
        }
    }

    /** Without space a group is certainly not in the log. After any other failure nobody knows. */
    private fun accepted(group: Group, level: Durability, append: () -> Long) {
        oracle.appending(group)
        try {
            done(group, append(), level)
        } catch (e: WalNoSpaceException) {
            oracle.refused(group)
            throw e
        }
    }

    private fun done(group: Group, lsn: Long, level: Durability) {
        oracle.appended(group, lsn, level)
        lastLsn = lsn
    }

    /** The log failed or was closed, and has told every receipt, one way or the other. */
    fun awaitTickets() {
        val told = CompletableFuture.allOf(*tickets.map { it.exceptionally { null } }.toTypedArray())
        try {
            told.get(30, TimeUnit.SECONDS)
        } catch (e: TimeoutException) {
            throw BrokenPromise("${tickets.count { !it.isDone }} tickets were left waiting", e)
        }
        tickets.clear()
    }

    /** The process that waited is gone. */
    fun forgetTickets() = tickets.clear()

    fun sync(wal: Wal): String {
        val stamp = oracle.stamp()
        when (random.nextInt(4)) {
            0 -> oracle.acknowledged(wal.sync(minOf(lastLsn, wal.lastLsn())), Durability.SYNCED, stamp)

            1 -> oracle.acknowledged(
                wal.commit(minOf(lastLsn, wal.lastLsn()), Durability.WRITTEN),
                Durability.WRITTEN,
                stamp,
            )

            else -> oracle.acknowledged(wal.sync(), Durability.SYNCED, stamp)
        }
        return "sync"
    }

    /** What the accessors say is a promise, too. */
    fun look(wal: Wal) {
        val stamp = oracle.stamp()
        oracle.acknowledged(wal.durableLsn(), Durability.SYNCED, stamp)
        oracle.acknowledged(wal.writtenLsn(), Durability.WRITTEN, stamp)
    }

    fun checkpoint(wal: Wal, lsn: Long): String {
        oracle.checkpointing(lsn)
        try {
            wal.checkpoint(lsn)
        } finally {
            // When only a deletion failed the prefix is dropped all the same.
            if (wal.firstLsn() > lsn) oracle.checkpointed(lsn)
        }
        return "checkpoint($lsn)"
    }

    fun truncateAfter(wal: Wal, lsn: Long): String {
        oracle.truncating(lsn)
        try {
            wal.truncateAfter(lsn)
        } catch (e: IOException) {
            if (wal.state() != WalState.FAILED) oracle.notTruncated()
            throw e
        }
        oracle.truncated(lsn, wal.epoch())
        truncated(lsn)
        return "truncateAfter($lsn)"
    }

    /** The LSN of a group that is gone says nothing about what has it now. */
    fun truncated(lsn: Long) {
        lastLsn = minOf(lastLsn, lsn)
    }

    /** After a crash others have to say what the last record is. */
    fun reopened(itsLastLsn: Long) {
        lastLsn = itsLastLsn
    }

    fun rotate(wal: Wal): String {
        wal.rotate()
        return "rotate"
    }

    private fun group(count: Int) = groups.next(count)
}
