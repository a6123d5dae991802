package dev.kwal

import kotlin.random.Random

/**
 * What may become of the files of a log.
 *
 * @param segment the one file whose bytes were changed; 0 if whole files went, came or changed their names
 * @param isForReaders whether readers have a look, too: of the bits of a byte they see one
 * @param otherStates what a log was that the files come from, if it is another life of the same log
 */
internal class Damage(
    val what: String,
    val image: LogImage,
    val segment: Long = 0,
    val otherStates: Set<Contents> = emptySet(),
    val isForReaders: Boolean = true,
) {
    override fun toString() = if (segment == 0L) what else "segment $segment: $what"
}

private val BLOCK_BYTES = listOf(8, 64, 512, 1024)
private val ADDED_BYTES = listOf(1, 7, 8, 24, 64, 512, 4096)

/** All of it, those that change nothing left out. */
internal fun SweptLog.damages(foreign: List<SweptLog>): Sequence<Damage> =
    (image.keys.asSequence().flatMap(::damagedFile) + movedFiles() + otherFiles(foreign) + forkedFiles())
        .filterNot { it.image.hasBytesOf(image) }

/** The bytes of one file change, or its end moves. */
private fun SweptLog.damagedFile(sequence: Long): Sequence<Damage> {
    val size = image.getValue(sequence).size
    fun edited(what: String, edit: (ByteArray) -> ByteArray) = Damage(what, image.with(sequence, edit), sequence)
    fun inPlace(what: String, edit: (ByteArray) -> Unit) = edited(what) { it.also(edit) }
    return sequence {
        for (bit in 0 until size * 8) {
            val changed = image.with(sequence) {
                it.also { bytes -> bytes[bit / 8] = (bytes[bit / 8].toInt() xor (1 shl bit % 8)).toByte() }
            }
            yield(Damage("bit $bit flipped", changed, sequence, isForReaders = bit % 8 == bit / 8 % 8))
        }
        for (length in 0 until size) yield(edited("cut to $length") { it.copyOf(length) })
        for (block in BLOCK_BYTES) {
            for (from in 0 until size step block) {
                val to = minOf(from + block, size)
                yield(inPlace("zeros from $from to $to") { it.fill(0, from, to) })
                yield(inPlace("garbage from $from to $to") { garbage(to - from, from).copyInto(it, from) })
            }
        }
        for (from in 0 until size step Format.ALIGNMENT) {
            yield(inPlace("zeros from $from to the end") { it.fill(0, from) })
        }
        for (count in ADDED_BYTES) {
            yield(edited("$count zeros behind") { it + ByteArray(count) })
            yield(edited("$count bytes of garbage behind") { it + garbage(count, size) })
            yield(edited("$count bytes of its beginning behind") { it + it.copyOf(minOf(count, size)) })
            yield(edited("$count bytes of its end behind") { it + it.copyOfRange(maxOf(0, size - count), size) })
        }
    }
}

/** Files go, change names, stand there twice. */
private fun SweptLog.movedFiles(): Sequence<Damage> = sequence {
    val names = image.keys.sorted()
    val free = (1..newest + 2) - names.toSet()
    for (from in names.indices) {
        for (to in from + 1..names.size) {
            val gone = names.subList(from, to)
            yield(Damage("dropped $gone", image - gone.toSet()))
        }
    }
    for (a in names) {
        for (b in names) {
            yield(Damage("$a in the place of $b", image + (b to image.getValue(a))))
            if (a < b) {
                val swapped = mapOf(a to image.getValue(b), b to image.getValue(a))
                yield(Damage("$a and $b changed names", image + swapped))
            }
        }
        for (b in free) {
            yield(Damage("$a again as $b", image + (b to image.getValue(a))))
            yield(Damage("$a is called $b", image - a + (b to image.getValue(a))))
        }
    }
}

/** Files of other logs, and older copies of the log's own. */
private fun SweptLog.otherFiles(foreign: List<SweptLog>): Sequence<Damage> = sequence {
    for (other in foreign) {
        for ((sequence, bytes) in other.image) {
            val spliced = image + (sequence to bytes)
            val states = if (spliced.keys == setOf(sequence)) other.states else emptySet()
            yield(Damage("$sequence of another log", spliced, otherStates = states))
            yield(Damage("$sequence of another log at the end", image + (newest + 1 to bytes)))
        }
    }
    val copies = history.flatMap { moment -> moment.map { (sequence, bytes) -> sequence to bytes } }
    for ((sequence, bytes) in copies.distinctBy { (sequence, bytes) -> sequence to bytes.contentHashCode() }) {
        val where = if (sequence in image) "in its place" else "that was deleted"
        yield(Damage("an older copy of $sequence $where, ${bytes.size} bytes", image + (sequence to bytes)))
    }
}

/** Files of the same log as it went on otherwise: another use of the same names. */
private fun SweptLog.forkedFiles(): Sequence<Damage> = sequence {
    for (fork in forks()) {
        for ((sequence, bytes) in fork.image) {
            val spliced = image + (sequence to bytes)
            yield(Damage("$sequence of another life", spliced, otherStates = fork.states))
        }
    }
}

private fun garbage(count: Int, seed: Int): ByteArray = Random(seed).nextBytes(count)
