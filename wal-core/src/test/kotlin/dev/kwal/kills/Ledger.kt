package dev.kwal.kills

import dev.kwal.Durability
import dev.kwal.RecoveryReport.End

/**
 * What the processes so far were promised, and what the next one has to find.
 *
 * Always: hears lines in the order in which they were said. What recovery has delivered once has to stay, like what was
 * acknowledged.
 */
internal class Ledger {
    var acknowledgements = 0
        private set

    /** The last process closed the log. */
    var isClosed = false
        private set

    /** By LSN: what stands there, as far as somebody was told. */
    private val records = sortedMapOf<Long, Stamp>()

    /** Up to here everything has to be there. */
    private var safeLsn = 0L

    /** LSNs up to here have their records, from earlier processes. */
    private var takenLsn = 0L

    private var epoch = 0L
    private var firstLsn = 1L
    private var latestFirstLsn = 1L
    private var pendingCut: Long? = null
    private var found: Found? = null

    private class Found(val firstLsn: Long, val lastLsn: Long, val epoch: Long, val end: End) {
        val stamps = sortedMapOf<Long, Stamp>()
    }

    fun hear(line: String) {
        val words = line.split(' ')
        val number = words.getOrNull(1)?.toLongOrNull() ?: 0
        when (words[0]) {
            "recovered" -> found = Found(number, words[2].toLong(), words[3].toLong(), End.valueOf(words[4]))

            "found" -> checkNotNull(found).stamps[number] = Stamp.parse(words[2])

            "complete" -> judge(checkNotNull(found))

            "acknowledged" -> acknowledge(number, Durability.valueOf(words[2]), Stamp.parse(words[3]))

            "synced" -> safeLsn = maxOf(safeLsn, number)

            "checkpoint?" -> latestFirstLsn = maxOf(latestFirstLsn, number + 1)

            "checkpoint!" -> firstLsn = maxOf(firstLsn, number + 1)

            "cut?" -> pendingCut = number

            "cut!" -> giveUp(number, words[2].toLong())

            "stopped" -> isClosed = false

            // While opening, perhaps behind the point where the close mark is taken back.
            "closed" -> isClosed = true

            else -> error("the process said: $line")
        }
    }

    private fun acknowledge(lastLsn: Long, level: Durability, last: Stamp) {
        acknowledgements++
        for (position in 0 until last.count) {
            val lsn = lastLsn - last.position + position
            val stamp = last.copy(position = position)
            check(lsn > takenLsn) { "$stamp got LSN $lsn, which is taken" }
            val other = records.put(lsn, stamp)
            check(other == null) { "$stamp got LSN $lsn, which $other has" }
        }
        if (level != Durability.BUFFERED) safeLsn = maxOf(safeLsn, lastLsn)
    }

    private fun giveUp(lsn: Long, newEpoch: Long) {
        check(newEpoch == epoch + 1) { "epoch $newEpoch follows $epoch" }
        epoch = newEpoch
        pendingCut = null
        records.tailMap(lsn + 1).clear()
        safeLsn = lsn
        takenLsn = lsn
    }

    /** What came back is what has to be there the next time. */
    private fun judge(now: Found) {
        pendingCut?.let { if (now.epoch == epoch + 1) giveUp(it, now.epoch) }
        check(now.epoch == epoch) { "the epoch is ${now.epoch}, expected $epoch" }
        check(now.lastLsn >= safeLsn) { "${now.lastLsn} is the last record, $safeLsn was acknowledged" }
        check(now.firstLsn in firstLsn..latestFirstLsn) {
            "${now.firstLsn} is the first record, expected $firstLsn to $latestFirstLsn"
        }
        check(now.stamps.keys.toList() == (now.firstLsn..now.lastLsn).toList()) {
            "records ${now.firstLsn} to ${now.lastLsn} are not all there: ${now.stamps.keys}"
        }
        for ((lsn, stamp) in records.tailMap(now.firstLsn).headMap(now.lastLsn + 1)) {
            check(now.stamps[lsn] == stamp) { "record $lsn was acknowledged as $stamp and is ${now.stamps[lsn]}" }
        }
        checkOrder(now)
        checkEnd(now.end)
        records.clear()
        records.putAll(now.stamps)
        safeLsn = now.lastLsn
        takenLsn = now.lastLsn
        firstLsn = now.firstLsn
        latestFirstLsn = now.firstLsn
        pendingCut = null
        isClosed = false
    }

    /** Nothing twice, each author in its order, batches whole: only a checkpoint may have cut the first. */
    private fun checkOrder(now: Found) {
        val stamps = now.stamps.values.toList()
        check(stamps.toSet().size == stamps.size) { "a record is there twice" }
        for (own in stamps.groupBy { it.author }.values) {
            val sorted = own.sortedWith(compareBy(Stamp::number, Stamp::position))
            check(own == sorted) { "the records of one author are out of order: $own" }
        }
        stamps.zipWithNext { stamp, next ->
            val due = if (stamp.isLastOfBatch) 0 else stamp.position + 1
            check(next.position == due && (due == 0 || next == stamp.copy(position = due))) { "$next follows $stamp" }
        }
        stamps.lastOrNull()?.let { check(it.isLastOfBatch) { "the batch of $it is incomplete" } }
    }

    private fun checkEnd(end: End) = check(if (isClosed) end == End.CLEAN else end != End.NEW || safeLsn == 0L) {
        "recovery says $end, the log was ${if (isClosed) "closed" else "not closed"}"
    }
}
