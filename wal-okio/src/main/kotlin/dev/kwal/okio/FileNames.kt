package dev.kwal.okio

/**
 * The names of files, those of [dev.kwal.storage.FileStore] and [dev.kwal.storage.FileSnapshotStore]: 20 digits and `.wal`
 * or `.snapshot`, with `.tmp` behind while the file is being made. Every other name belongs to somebody else.
 */
internal enum class FileNames(private val suffix: String) {
    SEGMENT(".wal"),
    SNAPSHOT(".snapshot"),
    ;

    fun of(sequence: Long): String = sequence.toString().padStart(DIGITS, '0') + suffix

    fun temporary(sequence: Long): String = of(sequence) + TEMPORARY

    fun isTemporary(name: String): Boolean =
        name.endsWith(TEMPORARY) && sequenceOf(name.removeSuffix(TEMPORARY)) != null

    /** The sequence in such a name; null for any other name. */
    fun sequenceOf(name: String): Long? {
        val digits = name.removeSuffix(suffix)
        val isNumber = digits.length == DIGITS && digits.all { it in '0'..'9' }
        return if (isNumber && digits != name) digits.toLongOrNull()?.takeIf { it > 0 } else null
    }

    private companion object {
        const val DIGITS = 20
        const val TEMPORARY = ".tmp"
    }
}
