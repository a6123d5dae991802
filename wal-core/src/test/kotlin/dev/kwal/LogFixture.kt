package dev.kwal

import dev.kwal.storage.WalStore
import java.nio.ByteBuffer

/** Small segments, so that a few records fill one. */
internal val SMALL_SEGMENTS: WalOptions = WalOptions.DEFAULT.withSegmentBytes(1024).withBufferBytes(16 * 1024)

/**
 * One log on one medium, in the words of a test. Opened when it is made, or by [reopen].
 *
 * Background work happens only when the test runs [background].
 */
internal class LogFixture(
    val store: WatchedStore = WatchedStore(),
    var options: WalOptions = SMALL_SEGMENTS,
) {
    constructor(medium: WalStore, options: WalOptions = SMALL_SEGMENTS) : this(WatchedStore(medium), options)

    var background = ManualExecutor()
        private set

    var wal: LocalWal = open()
        private set

    val report: RecoveryReport get() = wal.recovery()

    private fun open(): LocalWal {
        background = ManualExecutor()
        return LocalWal.open(store, options, background)
    }

    fun write(vararg records: String) = apply { records.forEach { wal.append(it.toByteArray()) } }

    fun buffer(vararg records: String) =
        apply { records.forEach { wal.append(it.toByteArray(), Durability.BUFFERED) } }

    fun writeBatch(vararg records: String) = apply { wal.appendBatch(records.map { it.toBuffer() }) }

    /** Writes so many records of a good third of a small segment: two fill it. */
    fun writeLarge(count: Int) = apply { repeat(count) { write(largeRecord(wal.lastLsn() + 1)) } }

    fun sync() = apply { wal.sync() }

    fun rotate() = apply { wal.rotate() }

    fun checkpoint(lsn: Long) = apply { wal.checkpoint(lsn) }

    fun truncateAfter(lsn: Long) = apply { wal.truncateAfter(lsn) }

    fun close() = apply { wal.close() }

    /** Ends the process: what is buffered is lost, and so is the lock. */
    fun kill() = apply { store.forgetOwner() }

    /** Opens the log again, by killing the owner if there is one. */
    fun reopen(change: (WalOptions) -> WalOptions = { it }) = apply {
        kill()
        options = change(options)
        wal = open()
    }

    /** Lets background tasks run and timers go off, once. */
    fun tick() = apply { background.fireTimers() }

    /** All records that are there, in order. */
    fun records(): List<String> = wal.records()

    fun sequences(): List<Long> = store.segments().toList()

    /** What the medium holds, to be compared. */
    fun image(): Map<Long, List<Byte>> = sequences().associateWith { store.bytes(it).toList() }

    /** Flips one bit in the payload of the record, wherever it stands. */
    fun flipByteOf(record: String) = apply {
        val frame = sequences().flatMap { store.frames(it) }.last { it.isRecord && it.text == record }
        flip(frame.sequence, frame.position + Format.FRAME_HEADER_BYTES)
    }

    fun flip(sequence: Long, position: Long) =
        edit(sequence) { bytes -> bytes.also { it[position.toInt()] = (it[position.toInt()].toInt() xor 1).toByte() } }

    /** Replaces the bytes of a segment behind the log's back. */
    fun edit(sequence: Long, change: (ByteArray) -> ByteArray) =
        apply { store.replace(sequence, change(store.bytes(sequence))) }

    /** The last segment without its last bytes. */
    fun cut(bytes: Int) = edit(sequences().last()) { it.copyOf(it.size - bytes) }

    /** The last segment with these bytes behind it. */
    fun stain(bytes: ByteArray) = edit(sequences().last()) { it + bytes }

    /** The frames of the segment. */
    fun frames(sequence: Long = sequences().last()): List<Frame> = store.frames(sequence)
}

/** A record that tells its LSN and takes a good third of a small segment. */
internal fun largeRecord(lsn: Long): String = "$lsn ".padEnd(380, '.')

internal fun String.toBuffer(): ByteBuffer = ByteBuffer.wrap(toByteArray())

internal fun WalRecord.text(): String = toByteArray().decodeToString()

internal fun WalReader.records(fromLsn: Long = 0): List<String> = replay(fromLsn).use { it.texts() }

/** What the cursor has left, for a cursor that ends. */
internal fun WalCursor.texts(): List<String> = buildList { while (next()) add(record().text()) }

/** The next record of a cursor that must not wait for it. */
internal fun WalCursor.text(): String? = if (next(java.time.Duration.ZERO)) record().text() else null
