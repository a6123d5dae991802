package dev.kwal

import java.util.Arrays

/** What came of opening and reading a log. */
internal class Outcome(
    val contents: Contents,
    val end: RecoveryReport.End?,
    val refusal: WalException?,
    val lastLsn: Long,
) {
    override fun toString() = "${contents.map { it.substringBefore(' ') }}, end $end, $refusal"
}

/**
 * What may come of a damaged log.
 *
 * All records, or a refusal that names the place; or, if the newest file is not what it was, the log as it was some time
 * before, with all in it that the rest still vouches for. The last is what `What cannot be decided` in `docs/design.md` is
 * about: the newest file is gone, or is an older copy or another use of itself, or all files are another log's; or its end is
 * damaged so that no whole frame is left that vouches for what is missing. Then the report must not say that the log was closed, and must say that
 * its end is torn if a byte is left that says so.
 */
internal class SweepOracle(private val log: SweptLog, private val damage: Damage) {
    private val tail = log.frames.getValue(log.newest)
    private val changed = damage.image[log.newest]

    /** The frames of the newest file that are still there. */
    private val left = tail.filter { changed != null && isLeft(changed, it.position.toInt(), it.end.toInt()) }
        .takeIf { changed != null && isLeft(changed, 0, Format.HEADER_BYTES) }.orEmpty()

    /** Those of them before the first that is damaged. */
    private val before = tail.takeWhile { it in left }

    private val isNewestTouched = damage.image.keys.maxOrNull() != log.newest ||
        changed == null || !changed.contentEquals(log.image.getValue(log.newest))

    /** From here on all files are gone. */
    private val firstGone = log.image.keys.filter { key ->
        log.image.keys.none { it >= key && it in damage.image }
    }.minOrNull()

    /** The end of what is vouched for by files that nobody touched, or by frames that are left. */
    val provenLsn: Long = maxOf(
        if (damage.image.isEmpty()) 0 else log.lsnBefore(firstGone ?: log.newest),
        left.maxOfOrNull { frame -> maxOf(frame.durableLsn, lsnBefore(frame)) } ?: 0,
    )

    private fun lsnBefore(mark: Frame): Long =
        if (mark.kind != Format.MARK && mark.kind != Format.CLOSE) {
            0
        } else {
            tail.lastOrNull { it.isRecord && it.end <= mark.number }?.lsn ?: 0
        }

    private fun isLeft(bytes: ByteArray, from: Int, to: Int): Boolean {
        val whole = log.image.getValue(log.newest)
        return bytes.size >= to && Arrays.equals(bytes, from, to, whole, from, to)
    }

    /** The owner gets all, or what the log was, at least up to the damage; or hears of it. */
    fun judge(owner: Outcome) {
        judgePlace(owner.refusal)
        if (owner.refusal != null || owner.contents == log.contents) {
            check(owner.refusal == null || isBeginning(owner.contents, log.contents)) {
                "other records before a refusal"
            }
            return
        }
        check(isNewestTouched) { "records are missing" }
        if (owner.contents in damage.otherStates) return
        check(owner.contents in log.states) { "the log never was like this" }
        check(owner.lastLsn >= provenLsn) { "records up to $provenLsn are vouched for" }
        val whole = before.filter { it.isRecord }.maxOfOrNull { it.lsn } ?: 0
        val least = log.states.mapNotNull { it.lastOrNull()?.substringBefore(' ')?.toLong() }.filter { it <= whole }
        check(owner.lastLsn >= (least.maxOrNull() ?: 0)) { "records up to $whole are whole" }
        if (damage.segment != 0L) {
            check(owner.end != RecoveryReport.End.CLEAN) { "reported as closed" }
            check(!hasTraces() || owner.end == RecoveryReport.End.TORN) { "not reported as torn" }
        }
    }

    /** A reader gets what is vouched for, and perhaps more. */
    fun judge(reader: Outcome, owner: Outcome) {
        check(reader.refusal?.message == owner.refusal?.message || reader.contents.size < owner.contents.size) {
            "readers meet $reader, the owner $owner"
        }
        check(isBeginning(reader.contents, owner.contents)) { "readers get $reader, the owner $owner" }
        check(
            reader.refusal != null || reader.lastLsn >= provenLsn || reader.contents == log.contents ||
                owner.contents in damage.otherStates,
        ) {
            "records up to $provenLsn are vouched for, readers get $reader"
        }
    }

    private fun judgePlace(refusal: WalException?) {
        val segment = when (refusal) {
            null -> return
            is WalCorruptedException -> refusal.segment()
            else -> (refusal as WalFormatException).segment()
        }
        check(damage.segment == 0L || segment == damage.segment || segment !in damage.image || isBefore(segment)) {
            "another place than segment ${damage.segment}: $refusal"
        }
        check(segment in 1..maxOf(log.newest, damage.image.keys.maxOrNull() ?: 0)) { "no place" }
        if (refusal is WalCorruptedException) {
            val size = maxOf(log.image[segment]?.size ?: 0, damage.image[segment]?.size ?: 0)
            check(refusal.position() in 0..size) { "a position outside of the segment" }
        }
    }

    /** Without its first frame a segment is not in effect: what is missing is missing at the end of the one before. */
    private fun isBefore(segment: Long): Boolean {
        val opened = log.frames.getValue(damage.segment).first().end.toInt()
        val bytes = damage.image.getValue(damage.segment)
        val whole = log.image.getValue(damage.segment)
        val isOpenWhole = bytes.size >= opened && Arrays.equals(bytes, 0, opened, whole, 0, opened)
        return !isOpenWhole && segment == log.image.keys.filter { it < damage.segment }.maxOrNull()
    }

    /** Whether something is left behind the damage, or the header is cut. */
    private fun hasTraces(): Boolean {
        val bytes = changed ?: return false
        val end = before.lastOrNull()?.end?.toInt() ?: Format.HEADER_BYTES
        return bytes.size < Format.HEADER_BYTES || bytes.drop(end).any { it != 0.toByte() }
    }

    private fun isBeginning(part: Contents, whole: Contents) = part == whole.take(part.size)
}
