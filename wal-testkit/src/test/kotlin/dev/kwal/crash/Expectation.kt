package dev.kwal.crash

import java.util.TreeMap

/** What a log delivers after it was opened. [records] are those from [firstLsn] to [lastLsn]. */
internal class Recovered(val firstLsn: Long, val lastLsn: Long, val epoch: Long, val records: List<ByteArray>) {
    fun record(lsn: Long): ByteArray = records[(lsn - firstLsn).toInt()]

    override fun toString() = "records $firstLsn to $lastLsn in epoch $epoch"
}

/**
 * What may be left of a log by a crash at one moment.
 *
 * @param known groups whose LSN is known, by that of their first record
 * @param pending groups that were on their way into the log
 * @param firstLsn the first live record as acknowledged
 * @param requestedFirstLsn the highest that was asked for
 * @param requestedCut the LSN of a truncation on its way
 * @param delivered what followers were given, of logs without truncations
 */
internal class Expectation(
    private val known: TreeMap<Long, Group>,
    private val pending: List<Group>,
    private val writtenLsn: Long,
    private val durableLsn: Long,
    private val firstLsn: Long,
    private val requestedFirstLsn: Long,
    private val epoch: Long,
    private val requestedCut: Long?,
    private val delivered: Delivered? = null,
) {
    /**
     * Checks what came back.
     *
     * @param survivors whether the process alone ended, so that what was written is there
     * @return the groups that came back
     */
    fun check(found: Recovered, survivors: Loss): TreeMap<Long, Group> {
        val cut = requestedCut
        if (cut != null && found.epoch == epoch + 1) return afterTruncation(cut).check(found, survivors)
        expect(found.epoch == epoch) { "the epoch is ${found.epoch}, expected $epoch" }
        expect(found.firstLsn in firstLsn..requestedFirstLsn) {
            "the first LSN is ${found.firstLsn}, expected $firstLsn to $requestedFirstLsn"
        }
        val floor = if (survivors == Loss.PROCESS) writtenLsn else durableLsn
        expect(found.lastLsn >= floor) { "the last LSN is ${found.lastLsn}, acknowledged was $floor" }
        expect(found.firstLsn <= found.lastLsn + 1) { "$found: more was dropped than there is" }
        generateSequence(delivered) { it.before }.forEach { found.expectDelivered(it) }
        return groupsIn(found)
    }

    /** What survives a loss of power whatever becomes of requests on their way. */
    val surelyDurableLsn: Long get() = minOf(durableLsn, requestedCut ?: durableLsn)

    /** Checks what a reader sees who need not see everything. */
    fun checkPrefix(found: Recovered) {
        val cut = requestedCut
        if (cut != null && found.epoch == epoch + 1) {
            afterTruncation(cut).groupsIn(found)
        } else {
            expect(found.firstLsn <= requestedFirstLsn) { "the first LSN is ${found.firstLsn}" }
            groupsIn(found)
        }
    }

    /** The log as it is when the truncation took effect: exactly up to the cut. */
    private fun afterTruncation(cut: Long) =
        Expectation(known.cutTo(cut), emptyList(), cut, cut, firstLsn, requestedFirstLsn, epoch + 1, null)

    private fun groupsIn(found: Recovered): TreeMap<Long, Group> {
        val groups = TreeMap<Long, Group>()
        val unused = ArrayList(pending)
        var lsn = found.firstLsn
        while (lsn <= found.lastLsn) {
            val entry = known.floorEntry(lsn)?.takeIf { lsn < it.key + it.value.count }
            val start = entry?.key ?: lsn
            val group = entry?.value ?: unused.find { found.holds(it, lsn) }
            expect(group != null) { "record $lsn was never appended: ${describe(found.record(lsn))}" }
            unused.remove(group)
            val end = start + group.count - 1
            expect(end <= found.lastLsn) { "the batch $start to $end ends at ${found.lastLsn}" }
            for (each in lsn..end) {
                val expected = group.records[(each - start).toInt()]
                expect(found.record(each).contentEquals(expected)) {
                    "record $each is ${describe(found.record(each))}, expected ${describe(expected)}"
                }
            }
            groups[start] = group
            lsn = end + 1
        }
        return groups
    }

    private fun Recovered.expectDelivered(each: Delivered) {
        if (each.lsn !in firstLsn..lastLsn) return
        expect(record(each.lsn).contentEquals(each.record)) {
            "record ${each.lsn} is ${describe(record(each.lsn))}, but ${describe(each.record)} was delivered"
        }
    }

    private fun Recovered.holds(group: Group, lsn: Long): Boolean =
        lsn + group.count - 1 <= lastLsn &&
            group.records.indices.all { record(lsn + it).contentEquals(group.records[it]) }

    override fun toString() = "epoch $epoch, first $firstLsn to $requestedFirstLsn, written $writtenLsn, " +
        "durable $durableLsn, last known ${known.lastEntry()?.let { it.key + it.value.count - 1 } ?: 0}, " +
        "${pending.size} pending" + (requestedCut?.let { ", cutting to $it" } ?: "")

    private fun describe(record: ByteArray) =
        "${record.size} bytes ${record.take(16).joinToString("") { "%02x".format(it) }}"
}

/** What a crash takes with it. */
internal enum class Loss {
    /** The process. What was written is still there. */
    PROCESS,

    /** The power. Only what was synced is still there. */
    POWER,
}

/** A guarantee that was not kept. */
internal class BrokenPromise(message: String, cause: Throwable? = null, val isExplained: Boolean = false) :
    AssertionError(message, cause)

@OptIn(kotlin.contracts.ExperimentalContracts::class)
internal inline fun expect(holds: Boolean, message: () -> String) {
    kotlin.contracts.contract { returns() implies holds }
    if (!holds) throw BrokenPromise(message())
}
