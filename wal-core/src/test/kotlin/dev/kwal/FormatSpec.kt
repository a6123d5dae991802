package dev.kwal

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SegmentReader
import dev.kwal.storage.StoreCapabilities
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.byte
import io.kotest.property.arbitrary.byteArray
import io.kotest.property.arbitrary.int
import io.kotest.property.arbitrary.long
import io.kotest.property.checkAll
import java.nio.ByteBuffer
import java.nio.file.Path
import java.time.Duration
import java.util.zip.CRC32C
import kotlin.io.path.readBytes
import kotlin.io.path.readLines

/** Holds the code, the worked hex of `docs/format.md` and the golden files against each other. */
class FormatSpec :
    StringSpec({
        "CRC32C gives its check value" {
            CRC32C().apply { update("123456789".toByteArray()) }.value shouldBe 0xE3069283L
        }

        "the worked log of the document is what the code writes" {
            hexOfDocument(name(1)) shouldBe hex(worked.first)
            hexOfDocument(name(2)) shouldBe hex(worked.second)
        }

        "the engine writes the worked log, but for its random numbers" {
            val store = MemoryStore(StoreCapabilities.DURABLE)
            Wal.open(store, quiet).use { log ->
                log.appendAndSync("first".toByteArray())
                log.appendAndSync(ByteArray(0))
                log.appendBatch(listOf(bytes("debit"), bytes("credit")), Durability.SYNCED)
                log.rotate()
                log.appendAndSync("fifth".toByteArray())
                log.checkpoint(1)
            }
            val first = store.open(1).use { it.all() }
            val second = store.open(2).use { it.all() }
            val (expectedFirst, expectedSecond) = workedLog(headerOf(first), headerOf(second))
            hex(first) shouldBe hex(expectedFirst)
            hex(second) shouldBe hex(expectedSecond)
        }

        "the golden log 'worked' is the worked one" {
            golden("worked").resolve(name(1)).readBytes() shouldBe worked.first
            golden("worked").resolve(name(2)).readBytes() shouldBe worked.second
        }

        "the golden log 'given-up' is what the code writes" {
            golden("given-up").resolve(name(1)).readBytes() shouldBe tornLog.first
            golden("given-up").resolve(name(2)).readBytes() shouldBe tornLog.second
        }

        "every flipped bit of a header is noticed" {
            forEachFlip(worked.first, 0, Format.HEADER_BYTES) { damaged, _ ->
                Format.decodeHeader(damaged.buffer(), Format.HEADER_BYTES).header() shouldBe null
            }
        }

        "every flipped bit of a frame is noticed, and the frames before it are not harmed" {
            for (segment in listOf(worked.first, worked.second)) {
                val starts = scan(segment, headerOf(segment)).map { it.position }
                forEachFlip(segment, Format.HEADER_BYTES, segment.size) { damaged, at ->
                    scan(damaged, headerOf(segment)).map { it.position } shouldBe starts.filter { it <= at }.dropLast(1)
                }
            }
        }

        "a frame is whole at its own position only" {
            val header = headerOf(worked.first)
            val frame = worked.first.copyOfRange(RECORD_POSITION, RECORD_POSITION + 32)
            val space = ByteArray(1 shl 16)
            val valid =
                (Format.HEADER_BYTES..space.size - frame.size step Format.ALIGNMENT).filter { at ->
                    space.fill(0)
                    frame.copyInto(space, at)
                    frameAt(space, header, at.toLong()) == FrameScanner.Step.FRAME
                }
            valid shouldContainExactly listOf(RECORD_POSITION)
        }

        "a frame is whole at its own position far behind, too" {
            checkAll(200, Arb.long(8L, Long.MAX_VALUE / 2), Arb.long(8L, 1L shl 34)) { one, other ->
                val position = Format.align(one)
                val frame = frame(HEADER, position) { putRecord(bytes("far"), Format.SINGLE, 1, 0) }.buffer()
                Format.hasValidCrc(frame, 0, Format.salt(HEADER), position, CRC32C()) shouldBe true
                if (Format.align(other) != position) {
                    Format.hasValidCrc(frame, 0, Format.salt(HEADER), Format.align(other), CRC32C()) shouldBe false
                }
            }
        }

        "a frame of another use, another segment or another log is not whole" {
            val others =
                listOf(
                    SegmentHeader(HEADER.logIdHigh(), HEADER.logIdLow(), 1, HEADER.nonce() + 1),
                    SegmentHeader(HEADER.logIdHigh(), HEADER.logIdLow(), 2, HEADER.nonce()),
                    SegmentHeader(HEADER.logIdHigh(), HEADER.logIdLow() xor 1, 1, HEADER.nonce()),
                    SegmentHeader(HEADER.logIdHigh() xor Long.MIN_VALUE, HEADER.logIdLow(), 1, HEADER.nonce()),
                )
            others.forEach { scan(worked.first, it) shouldBe listOf() }
        }

        "a frame copied into a record is no frame" {
            val inner = worked.first.copyOfRange(RECORD_POSITION, worked.first.size)
            val segment =
                segment(HEADER) {
                    putOpen(NEW_LOG)
                    putRecord(ByteBuffer.wrap(inner), Format.SINGLE, 1, 0)
                }
            val start = Format.HEADER_BYTES + OPEN_BYTES + Format.FRAME_HEADER_BYTES
            for (at in start until segment.size step Format.ALIGNMENT) {
                frameAt(segment, headerOf(segment), at.toLong()) shouldNotBe FrameScanner.Step.FRAME
            }
        }

        "records of any bytes come back, padded with zeros to a multiple of 8" {
            checkAll(300, Arb.byteArray(Arb.int(0, 300), Arb.byte()), Arb.long(1L, Format.MAX_LSN)) { record, lsn ->
                val segment = segment(HEADER) { putRecord(ByteBuffer.wrap(record), Format.SINGLE, lsn, lsn - 1) }
                segment.size % Format.ALIGNMENT shouldBe 0
                val end = Format.HEADER_BYTES + Format.FRAME_HEADER_BYTES + record.size
                segment.drop(end).all { it == 0.toByte() } shouldBe true
                val found = scan(segment, HEADER).single()
                found.payload shouldBe record
                found.lsn shouldBe lsn
                found.durableLsn shouldBe lsn - 1
            }
        }

        "an empty record has a frame of 24 bytes" {
            frame(HEADER, 64) { putRecord(bytes(""), Format.SINGLE, 1, 0) }.size shouldBe 24
        }

        "a lag that does not fit is unknown" {
            val farthest = 0xFFFF_FFFEL
            durableLsnOf(lsn = farthest + 1, durableLsn = 1) shouldBe 1
            durableLsnOf(lsn = farthest + 2, durableLsn = 1) shouldBe -1
            durableLsnOf(lsn = Format.MAX_LSN, durableLsn = 0) shouldBe -1
            durableLsnOf(lsn = Format.MAX_LSN, durableLsn = Format.MAX_LSN) shouldBe Format.MAX_LSN
        }

        "fields keep their least and greatest values" {
            val least = OpenFrame(0, 0, 0, 1, 1, 0, 0, OpenFrame.Reason.NEW)
            val most = Long.MAX_VALUE
            val greatest =
                OpenFrame(
                    most,
                    -1,
                    most,
                    Format.MAX_LSN,
                    Format.MAX_LSN,
                    most,
                    Format.MAX_LSN,
                    OpenFrame.Reason.TRUNCATE,
                )
            for (open in listOf(least, greatest)) {
                val payload = scan(segment(HEADER) { putOpen(open) }, HEADER).single().payload
                OpenFrame.get(payload.buffer()) shouldBe open
            }
            for (header in listOf(SegmentHeader(0, 0, 1, 0), SegmentHeader(-1, -1, most, -1))) {
                Format.decodeHeader(Format.encodeHeader(header), Format.HEADER_BYTES).header() shouldBe header
            }
        }

        "a length is no frame where it is too short, too long or runs past the end" {
            for (length in listOf(1, 8, 23, Int.MAX_VALUE, -1)) {
                val segment = withLength(length)
                frameAt(segment, headerOf(segment), RECORD_POSITION.toLong()) shouldBe FrameScanner.Step.BAD
            }
        }

        "a length of zero is the end" {
            val segment = withLength(0)
            frameAt(segment, headerOf(segment), RECORD_POSITION.toLong()) shouldBe FrameScanner.Step.END
        }

        "the seal is found from the end that the successor names" {
            val header = headerOf(worked.first)
            val seal = Segment.readSeal(Bytes(worked.first), header, worked.first.size.toLong())!!
            seal.baseLsn() shouldBe 1
            seal.count() shouldBe 4
            seal.index().floor(4, 0) shouldBe RECORD_POSITION
        }
    })

private const val OPEN_BYTES = Format.FRAME_HEADER_BYTES + Format.OPEN_PAYLOAD_BYTES
private const val RECORD_POSITION = Format.HEADER_BYTES + OPEN_BYTES

private val quiet = WalOptions.DEFAULT.withFlushInterval(Duration.ofHours(1))

private val HEADER = SegmentHeader(0x0706050403020100, 0x0F0E0D0C0B0A0908, 1, 0x1111111111111111)
private val NEXT_HEADER = SegmentHeader(HEADER.logIdHigh(), HEADER.logIdLow(), 2, 0x2222222222222222)
private val NEW_LOG = OpenFrame(0, 0, 0, 1, 1, 0, 0, OpenFrame.Reason.NEW)

private val worked = workedLog(HEADER, NEXT_HEADER)

private fun workedLog(first: SegmentHeader, second: SegmentHeader): Pair<ByteArray, ByteArray> {
    val index = SparseIndex().apply { add(1, RECORD_POSITION.toLong()) }
    val before =
        segment(first) {
            putOpen(NEW_LOG)
            putRecord(bytes("first"), Format.SINGLE, 1, 0)
            putRecord(bytes(""), Format.SINGLE, 2, 1)
            putRecord(bytes("debit"), Format.BATCH_BEGIN, 3, 2)
            putRecord(bytes("credit"), Format.BATCH_END, 4, 2)
            putSeal(SealFrame(1, 4, index), 4, 4)
        }
    val link = OpenFrame(1, first.nonce(), before.size.toLong(), 5, 1, 0, 4, OpenFrame.Reason.ROTATE)
    val after =
        segment(second) {
            putOpen(link)
            putRecord(bytes("fifth"), Format.SINGLE, 5, 4)
            putHead(2, 5, 5)
            putMark(Format.CLOSE, endPosition(), 5, 5)
        }
    return before to after
}

/**
 * Segment 1 has two records; the second was given up. Segment 2 goes on with another record 2, which is proven synced, a
 * record 3, which is not, and one half of a batch.
 */
private val tornLog: Pair<ByteArray, ByteArray> = run {
    val cut = RECORD_POSITION + 32L
    val before =
        segment(HEADER) {
            putOpen(NEW_LOG)
            putRecord(bytes("kept"), Format.SINGLE, 1, 0)
            putRecord(bytes("given up"), Format.SINGLE, 2, 1)
        }
    val link = OpenFrame(1, HEADER.nonce(), cut, 2, 1, 1, 1, OpenFrame.Reason.TRUNCATE)
    val after =
        segment(NEXT_HEADER) {
            putOpen(link)
            putMark(Format.MARK, endPosition(), 1, 1)
            putRecord(bytes("proven"), Format.SINGLE, 2, 1)
            putRecord(bytes("unproven"), Format.SINGLE, 3, 2)
            putRecord(bytes("half of a"), Format.BATCH_BEGIN, 4, 2)
        }
    before to after
}

private fun name(sequence: Int): String = "$sequence".padStart(20, '0') + ".wal"

private fun bytes(text: String): ByteBuffer = ByteBuffer.wrap(text.toByteArray())

private fun ByteArray.buffer(): ByteBuffer = Format.buffer(size).put(this).flip()

private fun frame(header: SegmentHeader, position: Long, put: FrameBuffer.() -> Unit): ByteArray {
    val frames = FrameBuffer.onHeap(1 shl 16)
    frames.begin(Format.salt(header), position)
    frames.put()
    return ByteArray(frames.fill()).also { frames.frames().get(it) }
}

private fun segment(header: SegmentHeader, put: FrameBuffer.() -> Unit): ByteArray =
    Format.encodeHeader(header).array() + frame(header, Format.HEADER_BYTES.toLong(), put)

private fun headerOf(segment: ByteArray): SegmentHeader =
    Format.decodeHeader(segment.buffer(), segment.size).header()!!

private class Bytes(private val bytes: ByteArray) : SegmentReader {
    override fun size(): Long = bytes.size.toLong()

    override fun read(position: Long, target: ByteBuffer): Int {
        val count = (bytes.size - position).coerceIn(0, target.remaining().toLong()).toInt()
        target.put(bytes, position.toInt().coerceAtMost(bytes.size), count)
        return count
    }

    override fun close() = Unit
}

private fun SegmentReader.all(): ByteArray = ByteArray(size().toInt()).also { read(0, ByteBuffer.wrap(it)) }

private class ScannedFrame(val position: Long, val lsn: Long, val durableLsn: Long, val payload: ByteArray)

/** The whole frames from the first on. */
private fun scan(segment: ByteArray, header: SegmentHeader): List<ScannedFrame> {
    val scanner = FrameScanner(Bytes(segment), header, 1 shl 20, 1 shl 16)
    return buildList {
        while (scanner.next() == FrameScanner.Step.FRAME) {
            val payload = scanner.payload()
            val bytes = ByteArray(payload.remaining()).also { payload.get(it) }
            add(ScannedFrame(scanner.framePosition(), scanner.lsn(), scanner.durableLsn(), bytes))
        }
    }
}

private fun frameAt(segment: ByteArray, header: SegmentHeader, position: Long): FrameScanner.Step =
    FrameScanner(Bytes(segment), header, 1 shl 20, 1 shl 16).apply { seek(position) }.next()

/** The first worked segment with another length in its first record. */
private fun withLength(length: Int): ByteArray =
    worked.first.buffer().putInt(RECORD_POSITION, length).array()

private fun durableLsnOf(lsn: Long, durableLsn: Long): Long =
    scan(segment(HEADER) { putRecord(bytes("x"), Format.SINGLE, lsn, durableLsn) }, HEADER).single().durableLsn

private fun forEachFlip(segment: ByteArray, from: Int, to: Int, check: (ByteArray, Int) -> Unit) {
    for (at in from until to) {
        for (bit in 0..7) {
            val damaged = segment.copyOf()
            damaged[at] = (damaged[at].toInt() xor (1 shl bit)).toByte()
            check(damaged, at)
        }
    }
}

private fun hex(bytes: ByteArray): String = bytes.joinToString(" ") { "%02x".format(it) }

private val workedLine = Regex("""([0-9a-f]{4})  ((?:[0-9a-f]{2} )+) .*""")

/** The bytes of a block in the document that begins with the name of a segment; each line says where it stands. */
private fun hexOfDocument(name: String): String {
    val lines = Path.of("..", "docs", "format.md").readLines()
    val block = lines.dropWhile { it != "$name:" }.dropWhile { !it.startsWith("```") }.drop(1)
    val rows = block.takeWhile { !it.startsWith("```") }.mapNotNull { workedLine.matchEntire(it) }
    val bytes = rows.flatMap { row -> row.groupValues[2].trim().split(" ") }
    var position = 0
    for (row in rows) {
        row.groupValues[1].toInt(16) shouldBe position
        position += row.groupValues[2].trim().split(" ").size
    }
    return bytes.joinToString(" ")
}

private fun golden(name: String): Path = Path.of("src", "test", "resources", "golden", "v1", name)
