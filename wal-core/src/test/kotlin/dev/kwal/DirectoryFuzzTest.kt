package dev.kwal

import com.code_intelligence.jazzer.api.FuzzedDataProvider
import com.code_intelligence.jazzer.junit.FuzzTest

private const val MAX_STEPS = 24
private const val MAX_EDITS = 6
private const val MAX_BYTES = 600

/** A log that was really written, and then changed: its bytes, its frames, its files. */
class DirectoryFuzzTest {
    @FuzzTest
    fun directory(choices: FuzzedDataProvider) {
        val limit = if (choices.consumeBoolean()) 400 else WalOptions.DEFAULT.maxRecordBytes()
        val options = SMALL_SEGMENTS.withMaxRecordBytes(limit).withVerifyOnOpen(choices.consumeBoolean())
        val written = LogFixture()
        val stale = sortedMapOf<Long, ByteArray>()
        repeat(choices.consumeInt(0, MAX_STEPS)) {
            written.step(choices)
            if (choices.consumeInt(0, 9) == 9) written.sequences().forEach { stale[it] = written.store.bytes(it) }
        }
        val segments = EditedSegment.withoutLots(written.sequences().associateWith { written.store.bytes(it) })
        written.kill()
        HostileLog(segments, SMALL_SEGMENTS).check()
        val edits = FileEdits(choices, segments, EditedSegment.withoutLots(stale))
        repeat(choices.consumeInt(1, MAX_EDITS)) { edits.next() }
        HostileLog(edits.segments, options).check()
    }

    private fun LogFixture.step(choices: FuzzedDataProvider) {
        when (choices.consumeInt(0, 9)) {
            0 -> write("x".repeat(choices.consumeInt(0, MAX_BYTES)))
            1 -> writeLarge(choices.consumeInt(1, 4))
            2 -> writeBatch("debit", "credit ".repeat(choices.consumeInt(0, 40)))
            3 -> buffer("buffered")
            4 -> sync()
            5 -> rotate()
            6 -> checkpoint(choices.consumeLong(0, wal.lastLsn()))
            7 -> truncateAfter(choices.consumeLong(wal.firstLsn() - 1, wal.lastLsn()))
            8 -> close().reopen()
            9 -> reopen()
        }
    }
}

/** Changes of the files of a log, chosen by the fuzzer. */
private class FileEdits(
    private val choices: FuzzedDataProvider,
    written: Map<Long, ByteArray>,
    private val stale: Map<Long, ByteArray>,
) {
    val segments = written.toSortedMap()

    fun next() {
        if (segments.isEmpty()) return
        val sequence = choices.pickValue(segments.keys.toLongArray())
        val bytes = segments.getValue(sequence).copyOf()
        when (choices.consumeInt(0, 9)) {
            0, 1, 2, 3 -> segments[sequence] = withField(bytes)
            4 -> segments[sequence] = withHeaderField(bytes)
            5 -> segments[sequence] = bytes.copyOf(choices.consumeInt(0, bytes.size))
            6 -> segments[sequence] = bytes + choices.consumeBytes(MAX_BYTES)
            7 -> segments[sequence] = withByte(bytes)
            8 -> move(sequence, bytes)
            9 -> segments[sequence] = stale[sequence] ?: bytes
        }
    }

    private fun withByte(bytes: ByteArray) = bytes.also {
        if (it.isNotEmpty()) it[choices.consumeInt(0, it.size - 1)] = choices.consumeByte()
    }

    /** Changes a number in a frame, and mostly makes its checksum right. */
    private fun withField(bytes: ByteArray): ByteArray {
        val edited = EditedSegment(bytes)
        val frames = edited.frames()
        if (frames.isEmpty()) return bytes
        val at = choices.pickValue(frames.toIntArray())
        val words = (Format.length(edited.buffer, at) / 8).toInt() - 1
        when (val field = choices.consumeInt(-6, words)) {
            -6 -> edited.buffer.putInt(at, number().toInt())
            -5 -> edited.buffer.putInt(at + 16, number().toInt())
            -4 -> edited.buffer.put(at + 20, choices.consumeByte(0, 6))
            -3 -> edited.buffer.put(at + 21, choices.consumeByte(0, 4))
            -2 -> edited.buffer.putShort(at + 22, (choices.consumeInt(0, 4) * 4).toShort())
            -1 -> edited.buffer.putLong(at + 8, number())
            else -> if (at + field * 8 + 8 <= bytes.size) edited.buffer.putLong(at + field * 8, number())
        }
        if (choices.consumeInt(0, 9) > 0) edited.repairFrame(at)
        return bytes
    }

    private fun withHeaderField(bytes: ByteArray): ByteArray {
        val edited = EditedSegment(bytes)
        if (!edited.hasHeader) return bytes
        edited.buffer.putInt(choices.consumeInt(0, 14) * 4, number().toInt())
        if (choices.consumeBoolean()) edited.repair() else edited.repairHeader()
        return bytes
    }

    /** To another name, which its header names too or does not; or away. */
    private fun move(sequence: Long, bytes: ByteArray) {
        if (choices.consumeBoolean()) segments.remove(sequence)
        val to = number()
        if (to <= 0) return
        val edited = EditedSegment(bytes)
        if (edited.hasHeader && choices.consumeBoolean()) {
            edited.buffer.putLong(EditedSegment.AT_SEQUENCE, to)
            edited.repair()
        }
        segments[to] = bytes
    }

    /** One of those at which things change, or any. */
    private fun number(): Long = when (choices.consumeInt(0, 4)) {
        0 -> choices.pickValue(LIMITS)
        1 -> choices.consumeLong()
        else -> choices.consumeLong(-8, 2000)
    }

    private companion object {
        val LIMITS = longArrayOf(
            Long.MIN_VALUE,
            -1,
            Int.MAX_VALUE.toLong(),
            0xFFFF_FFFF,
            Long.MAX_VALUE - 8,
            Long.MAX_VALUE - 2,
            Long.MAX_VALUE - 1,
            Long.MAX_VALUE,
        )
    }
}
