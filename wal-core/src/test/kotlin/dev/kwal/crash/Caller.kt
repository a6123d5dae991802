package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import java.nio.ByteBuffer
import java.util.Random

/**
 * Somebody who uses a log and tells the oracle.
 *
 * The records are self-describing: number of the caller, number of the record, and bytes that follow from both and the seed.
 */
internal class Caller(
    private val oracle: Oracle,
    private val random: Random,
    private val shape: Shape,
    private val number: Int = 0,
    private val foreignBytes: () -> ByteArray? = { null },
) {
    private var count = 0

    /** The end of the last group that this caller appended. */
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

    private fun appendWaiting(wal: Wal, level: Durability) {
        val group = group(1)
        oracle.appending(group)
        done(group, wal.append(ByteBuffer.wrap(group.records[0]), level), level)
    }

    private fun appendBatch(wal: Wal, level: Durability) {
        val group = group(2 + random.nextInt(6))
        oracle.appending(group)
        done(group, wal.appendBatch(group.buffers(), level), level)
    }

    private fun tryAppend(wal: Wal) {
        val group = group(if (random.nextInt(4) == 0) 3 else 1)
        oracle.appending(group)
        val lsn = if (group.count == 1) {
            wal.tryAppend(ByteBuffer.wrap(group.records[0]))
        } else {
            wal.tryAppendBatch(group.buffers())
        }
        if (lsn == Wal.NO_ROOM) oracle.refused(group) else done(group, lsn, Durability.BUFFERED)
    }

    private fun appendAsync(wal: Wal, level: Durability, group: Group) {
        oracle.appending(group)
        val epoch = oracle.epoch()
        val ticket = if (group.count == 1) {
            wal.appendAsync(ByteBuffer.wrap(group.records[0]), level)
        } else {
            wal.appendBatchAsync(group.buffers(), level)
        }
        done(group, ticket.lsn, Durability.BUFFERED)
        ticket.reached.thenAccept { oracle.acknowledged(it, level, epoch) }
    }

    private fun done(group: Group, lsn: Long, level: Durability) {
        oracle.appended(group, lsn, level)
        lastLsn = lsn
    }

    fun sync(wal: Wal): String {
        val epoch = oracle.epoch()
        when (random.nextInt(4)) {
            0 -> oracle.acknowledged(wal.sync(minOf(lastLsn, wal.lastLsn())), Durability.SYNCED, epoch)

            1 -> oracle.acknowledged(
                wal.commit(minOf(lastLsn, wal.lastLsn()), Durability.WRITTEN),
                Durability.WRITTEN,
                epoch,
            )

            else -> oracle.acknowledged(wal.sync(), Durability.SYNCED, epoch)
        }
        return "sync"
    }

    /** What the accessors say is a promise, too. */
    fun look(wal: Wal) {
        val epoch = oracle.epoch()
        oracle.acknowledged(wal.durableLsn(), Durability.SYNCED, epoch)
        oracle.acknowledged(wal.writtenLsn(), Durability.WRITTEN, epoch)
    }

    fun checkpoint(wal: Wal, lsn: Long): String {
        oracle.checkpointing(lsn)
        wal.checkpoint(lsn)
        oracle.checkpointed(lsn)
        return "checkpoint($lsn)"
    }

    fun truncateAfter(wal: Wal, lsn: Long): String {
        oracle.truncating(lsn)
        wal.truncateAfter(lsn)
        oracle.truncated(lsn, wal.epoch())
        lastLsn = minOf(lastLsn, lsn)
        return "truncateAfter($lsn)"
    }

    /** After a crash others have to say what the last record is. */
    fun reopened(itsLastLsn: Long) {
        lastLsn = itsLastLsn
    }

    private fun group(count: Int) = Group(List(count) { record() })

    private fun record(): ByteArray {
        val length = when (random.nextInt(20)) {
            0 -> 0
            1 -> shape.segmentBytes / 2 + random.nextInt(shape.segmentBytes)
            in 2..5 -> 100 + random.nextInt(300)
            else -> random.nextInt(60)
        }
        val foreign = if (random.nextInt(12) == 0) foreignBytes() else null
        return recordOf(number, ++count, foreign ?: ByteArray(length).also(random::nextBytes))
    }

    private fun Group.buffers() = records.map { ByteBuffer.wrap(it) }

    companion object {
        /** Callers with a number mark every record, so that no two are alike. */
        private fun recordOf(number: Int, count: Int, filling: ByteArray): ByteArray {
            if (number == 0) return filling
            return ByteBuffer.allocate(8 + filling.size).putInt(number).putInt(count).put(filling).array()
        }
    }
}
