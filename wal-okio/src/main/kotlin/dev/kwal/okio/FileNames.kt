package dev.kwal.okio

/**
 * The names of segment files, those of [dev.kwal.storage.FileStore]: 20 digits and `.wal`, with `.tmp` behind while the
 * segment is being made. Every other name belongs to somebody else.
 */
internal object FileNames {
    private const val DIGITS = 20
    private const val SUFFIX = ".wal"
    private const val TEMPORARY = ".tmp"

    fun segment(sequence: Long): String = sequence.toString().padStart(DIGITS, '0') + SUFFIX

    fun temporary(sequence: Long): String = segment(sequence) + TEMPORARY

    fun isTemporary(name: String): Boolean =
        name.endsWith(TEMPORARY) && sequenceOf(name.removeSuffix(TEMPORARY)) != null

    /** The sequence of a segment's name; null for any other name. */
    fun sequenceOf(name: String): Long? {
        val digits = name.removeSuffix(SUFFIX)
        val isNumber = digits.length == DIGITS && digits.all { it in '0'..'9' }
        return if (isNumber && digits != name) digits.toLongOrNull()?.takeIf { it > 0 } else null
    }
}
