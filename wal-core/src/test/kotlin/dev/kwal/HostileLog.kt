package dev.kwal

import com.sun.management.ThreadMXBean
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SegmentReader
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import java.io.Closeable
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.util.zip.CRC32C

/** More than all buffers that opening a few small segments needs, and far less than the longest record. */
private const val MAX_ALLOCATED_BYTES = 32L shl 20

/** Every scan of an opening reads the bytes once, and each frame that is checked in pieces has a budget. */
private const val MAX_READS_PER_BYTE = 200L
private const val SPARE_READ_BYTES = 32L shl 20

/** More than a log that is opened and appended to uses up. */
private const val SEQUENCES = 8

private val MORE = "more".toByteArray()

private val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean

/** A log whose segments anybody may have written, and what holds of it all the same. */
internal class HostileLog(private val segments: Map<Long, ByteArray>, private val options: WalOptions) {
    private val whole = segments.values.flatMap(::wholeRecords).toSet()

    /** Reads it, opens it, goes on with it, and throws if that breaks a promise. */
    fun check() {
        val store = store()
        val opened = Opened.of { Wal.openReadOnly(store, options) }
        val reading = opened.wal?.use { read(it) }
        store.limited { Opened.of { Wal.openReadOnly(store, options) }.use { again -> again.wal?.let { read(it) } } }
        if (reading != null) checkGenuine(reading)
        check(Opened.of { Wal.openReadOnly(store, options) }.use { it.refusal } == opened.refusal) {
            "not refused twice: ${opened.refusal}"
        }
        checkSalvage(store, reading)
        if (segments.keys.any { it > Long.MAX_VALUE - SEQUENCES }) return
        val owner = Opened.of { LocalWal.open(store, options, ManualExecutor()) }
        check(owner.refusal == opened.refusal) { "readers meet ${opened.refusal}, the owner ${owner.refusal}" }
        if (owner.wal == null || reading == null) {
            check(store.image() == segments.mapValues { it.value.toList() }) { "a refusal changed something" }
        } else {
            owner.wal.use { goOn(it, store, reading) }
        }
    }

    /** What is salvaged stands in whole frames, and what can be read is among it. */
    private fun checkSalvage(store: CountedStore, reading: Reading?) {
        val found = salvage(store)
        store.limited { check(salvage(store) == found) { "not salvaged twice: $found" } }
        found.zipWithNext { a, b -> check(b.lsn() > a.lsn()) { "$b follows $a in what is salvaged" } }
        check(whole.containsAll(found)) { "salvaged what no whole frame holds: ${found - whole}" }
        if (reading != null && reading.refusal == null) {
            check(found.containsAll(reading.records)) { "not salvaged: ${reading.records - found.toSet()}" }
        }
    }

    private fun salvage(store: WalStore): List<WalRecord> = WalSalvage.of(store, options).cursor().use { cursor ->
        buildList { while (cursor.next()) add(cursor.record()) }
    }

    private fun goOn(wal: LocalWal, store: WalStore, before: Reading) {
        val all = read(wal)
        checkGenuine(all)
        check(all.records.take(before.records.size) == before.records) { "the owner reads $all, readers $before" }
        check(all.refusal != null || all.records.size.toLong() == wal.lastLsn() - wal.firstLsn() + 1) {
            "a gap in $all"
        }
        if (wal.lastLsn() == Format.MAX_LSN) return
        val more = WalRecord(wal.lastLsn() + 1, WalRecord.NO_TAG, WalRecord.NO_TIME, MORE)
        check(wal.appendAndSync(MORE) == more.lsn()) { "another LSN than ${more.lsn()}" }
        wal.close()
        val expected = if (all.refusal == null) Reading(all.records + more, null) else all
        repeat(2) {
            val again = LocalWal.open(store, options, ManualExecutor()).use { read(it) }
            check(again == expected) { "$again after closing, expected $expected" }
        }
        val readOnly = Wal.openReadOnly(store, options).use { read(it) }
        check(readOnly == expected) { "$readOnly for readers, expected $expected" }
    }

    private fun checkGenuine(reading: Reading) {
        reading.records.zipWithNext { a, b -> check(b.lsn() == a.lsn() + 1) { "$b follows $a" } }
        check(whole.containsAll(reading.records)) { "records that no whole frame holds: ${reading.records - whole}" }
    }

    private fun store(): CountedStore {
        val medium = MemoryStore(StoreCapabilities.DURABLE)
        segments.forEach { (sequence, bytes) -> medium.replace(sequence, bytes) }
        return CountedStore(medium)
    }

    private fun read(wal: WalReader): Reading {
        val records = mutableListOf<WalRecord>()
        val refusal = refusalOf { wal.replay(0).use { while (it.next()) records.add(it.record()) } }
        return Reading(records, refusal)
    }
}

/** The records that were delivered, and what ended the reading early. */
private data class Reading(val records: List<WalRecord>, val refusal: String?)

/** A log, or the documented way of refusing it. */
private class Opened<W : WalReader>(val wal: W?, val refusal: String?) : Closeable {
    override fun close() {
        wal?.close()
    }

    companion object {
        fun <W : WalReader> of(open: () -> W): Opened<W> {
            var wal: W? = null
            val refusal = refusalOf { wal = open() }
            return Opened(wal, refusal)
        }
    }
}

/** What damaged or foreign files may be answered with; anything else is thrown on. */
private fun refusalOf(work: () -> Unit): String? = try {
    work()
    null
} catch (e: WalCorruptedException) {
    e.toString()
} catch (e: WalFormatException) {
    e.toString()
}

/** All records that stand in whole frames anywhere in the segment, found with nothing but the checksum. */
private fun wholeRecords(segment: ByteArray): List<WalRecord> {
    val edited = EditedSegment(segment)
    if (!edited.hasHeader) return emptyList()
    val crc = CRC32C()
    val salt = edited.salt
    val positions = Format.HEADER_BYTES..segment.size - Format.FRAME_HEADER_BYTES step Format.ALIGNMENT
    return positions.filter {
        Format.isPlausible(edited.buffer, it, segment.size.toLong() - it) &&
            Format.kind(edited.buffer, it) == Format.RECORD &&
            Format.hasValidCrc(edited.buffer, it, salt, it.toLong(), crc)
    }.map { at ->
        val start = at + Format.FRAME_HEADER_BYTES + Format.extensionBytes(edited.buffer, at)
        val end = at + Format.length(edited.buffer, at).toInt()
        val tag = Format.extensionNumber(edited.buffer, at, Format.TAG).takeIf { it in 1..Int.MAX_VALUE } ?: 0
        val time = Format.extensionNumber(edited.buffer, at, Format.TIMESTAMP).takeIf { it >= 0 } ?: -1
        WalRecord(Format.lsn(edited.buffer, at), tag.toInt(), time, segment.copyOfRange(start, end))
    }
}

/** Counts what is read. */
private class CountedStore(private val medium: WalStore) : WalStore by medium {
    private var readBytes = -SPARE_READ_BYTES

    /** Does something that reads and allocates no more than the size of the segments explains. Classes are loaded. */
    fun limited(work: () -> Unit) {
        val size = image().values.sumOf { it.size.toLong() }
        readBytes = -MAX_READS_PER_BYTE * size - SPARE_READ_BYTES
        val allocated = threads.currentThreadAllocatedBytes
        work()
        val bytes = threads.currentThreadAllocatedBytes - allocated
        check(bytes < MAX_ALLOCATED_BYTES) { "$bytes bytes allocated for segments of $size" }
    }

    fun image(): Map<Long, List<Byte>> = segments().associateWith { medium.bytes(it).toList() }

    override fun open(sequence: Long): SegmentReader {
        val reader = medium.open(sequence)
        return object : SegmentReader by reader {
            override fun read(position: Long, target: ByteBuffer): Int = reader.read(position, target).also {
                readBytes += it
                check(readBytes < 0) { "reads without end" }
            }
        }
    }
}
