package dev.kwal.crash

import dev.kwal.Durability
import java.nio.ByteBuffer
import java.util.TreeMap

/** One record, or the records of one batch, as they were given to the log. */
internal class Group(val records: List<ByteArray>) {
    val count: Int get() = records.size

    /** What a truncation leaves of it. */
    fun first(count: Int) = Group(records.take(count))

    fun buffers(): List<ByteBuffer> = records.map { ByteBuffer.wrap(it) }
}

/** A record that a follower was given, after all those [before]. Never changes, so that it costs nothing to keep. */
internal class Delivered(val lsn: Long, val record: ByteArray, val before: Delivered?)

/**
 * Knows what a log was asked for and what it acknowledged.
 *
 * Always: a request is noted before the call, an acknowledgement after it returned, and [capture] sees both as they are at
 * one moment. Thread-safe; never calls the log.
 */
internal class Oracle {
    private var known = TreeMap<Long, Group>()
    private val pending = ArrayList<Group>()
    private var delivered: Delivered? = null
    private var writtenLsn = 0L
    private var durableLsn = 0L
    private var firstLsn = 1L
    private var requestedFirstLsn = 1L
    private var requestedCut: Long? = null
    private var epoch = 0L
    private var stamp = 0

    /** What a crash at this moment may leave, and something taken at the same moment. */
    @Synchronized
    fun <T> capture(take: () -> T): Pair<Expectation, T> {
        val expectation = Expectation(
            TreeMap(known),
            ArrayList(pending),
            writtenLsn,
            durableLsn,
            firstLsn,
            requestedFirstLsn,
            epoch,
            requestedCut,
            delivered,
        )
        return Pair(expectation, take())
    }

    @Synchronized
    fun appending(group: Group) {
        pending.add(group)
    }

    /** [lsn] is that of the last record. */
    @Synchronized
    fun appended(group: Group, lsn: Long, level: Durability) {
        check(pending.remove(group))
        check(known.put(lsn - group.count + 1, group) == null) { "LSN $lsn was given twice" }
        acknowledged(lsn, level, stamp)
    }

    /** Nothing of the group was appended. */
    @Synchronized
    fun refused(group: Group) {
        check(pending.remove(group))
    }

    @Synchronized
    fun durableLsn() = durableLsn

    /** Goes with an acknowledgement that comes later; it counts for nothing after a truncation or a crash. */
    @Synchronized
    fun stamp() = stamp

    @Synchronized
    fun acknowledged(lsn: Long, level: Durability, itsStamp: Int) {
        if (itsStamp != stamp) return
        if (level >= Durability.WRITTEN) writtenLsn = maxOf(writtenLsn, lsn)
        if (level == Durability.SYNCED) durableLsn = maxOf(durableLsn, lsn)
    }

    /** Whoever follows at a level is given nothing that has not reached it. */
    @Synchronized
    fun delivered(lsn: Long, record: ByteArray, level: Durability, itsStamp: Int) {
        if (itsStamp != stamp) return
        delivered = Delivered(lsn, record, delivered)
        acknowledged(lsn, level, stamp)
    }

    @Synchronized
    fun checkpointing(lsn: Long) {
        requestedFirstLsn = maxOf(requestedFirstLsn, lsn + 1)
    }

    /** What was buffered is synced, too. */
    @Synchronized
    fun checkpointed(lsn: Long) {
        firstLsn = maxOf(firstLsn, lsn + 1)
        acknowledged(lsn, Durability.SYNCED, stamp)
    }

    @Synchronized
    fun truncating(lsn: Long) {
        requestedCut = lsn
    }

    /** Nothing was given up. */
    @Synchronized
    fun notTruncated() {
        requestedCut = null
    }

    @Synchronized
    fun truncated(lsn: Long, newEpoch: Long) {
        stamp++
        requestedCut = null
        known = known.cutTo(lsn)
        epoch = newEpoch
        writtenLsn = lsn
        durableLsn = lsn
    }

    /** The log is told nothing any more. From a loss of power on only what is durable is sure. */
    @Synchronized
    fun crashed(survivors: Loss) {
        stamp++
        if (survivors == Loss.POWER) writtenLsn = durableLsn
    }

    /** What opening found is the log from now on, and all of it is durable. */
    @Synchronized
    fun reopened(found: Recovered, groups: TreeMap<Long, Group>) {
        known = groups
        pending.clear()
        delivered = null
        writtenLsn = found.lastLsn
        durableLsn = found.lastLsn
        firstLsn = found.firstLsn
        requestedFirstLsn = found.firstLsn
        requestedCut = null
        epoch = found.epoch
        stamp++
    }
}

/** The groups up to an LSN, the last one possibly in part. */
internal fun TreeMap<Long, Group>.cutTo(lsn: Long): TreeMap<Long, Group> {
    val left = TreeMap(headMap(lsn, true))
    val last = left.lastEntry()
    if (last != null && last.key + last.value.count - 1 > lsn) {
        left[last.key] = last.value.first((lsn - last.key + 1).toInt())
    }
    return left
}
