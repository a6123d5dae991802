package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Damage in what is proven synced is reported with its place, and nothing on the medium changes. */
class CorruptionSpec :
    StringSpec({
        fun ten() = LogFixture().apply {
            for (number in 1..10) {
                write("r$number")
                if (number % 2 == 0) sync()
            }
        }

        fun LogFixture.shouldRefuse(): WalCorruptedException {
            kill()
            val before = image()
            val refusal = shouldThrow<WalCorruptedException> { reopen() }
            image() shouldBe before
            return refusal
        }

        "damage below the durable LSN is reported with segment, position and LSN, and nothing changes" {
            val log = LogFixture().write("a", "b").sync().write("c").sync()
            val a = log.frames().first { it.text == "a" }
            val refusal = log.flipByteOf("a").shouldRefuse()
            Triple(refusal.segment(), refusal.position(), refusal.lsn()) shouldBe Triple(1L, a.position, 1L)
        }

        "a flip in record 4 of 10 with proof behind it is not cut away" {
            ten().flipByteOf("r4").shouldRefuse().lsn() shouldBe 4
        }

        "a flip of any bit of a synced frame is found" {
            val whole = ten()
            val bytes = whole.store.bytes(1)
            val third = whole.frames().single { it.text == "r3" }
            for (bit in 0 until (third.end - third.position).toInt() * 8) {
                val damaged = bytes.copyOf()
                val at = third.position.toInt() + bit / 8
                damaged[at] = (damaged[at].toInt() xor (1 shl bit % 8)).toByte()
                val store = WatchedStore().also { it.replace(1, damaged) }
                withClue("bit $bit") { shouldThrow<WalCorruptedException> { LogFixture(store) }.lsn() shouldBe 3 }
            }
        }

        "a length that runs past the end, with synced records behind it, is corruption" {
            val log = ten()
            val fourth = log.frames().single { it.text == "r4" }
            log.edit(1) { bytes ->
                bytes.also {
                    ByteBuffer.wrap(it).order(ByteOrder.LITTLE_ENDIAN).putInt(fourth.position.toInt(), 1 shl 16)
                }
            }
            log.shouldRefuse().position() shouldBe fourth.position
        }

        "zeros in the place of synced records, and records behind them, are corruption" {
            val log = ten()
            val fourth = log.frames().single { it.text == "r4" }
            log.edit(1) { it.also { bytes -> bytes.fill(0, fourth.position.toInt(), fourth.end.toInt()) } }
            log.shouldRefuse().lsn() shouldBe 4
        }

        "after close any damage is found, in the last record too" {
            LogFixture().write("a").close().flipByteOf("a").shouldRefuse().lsn() shouldBe 1
        }

        "after an idle mark any damage is found" {
            val log = LogFixture().write("a").sync().tick().tick()
            log.frames().last().kind shouldBe Format.MARK
            log.flipByteOf("a").shouldRefuse().lsn() shouldBe 1
        }

        "damage in a segment that is not the last is found in full verification, with its place" {
            val log = LogFixture().writeLarge(6).sync().flipByteOf(largeRecord(1))
            log.kill()
            val before = log.image()
            val refusal = shouldThrow<WalCorruptedException> { log.reopen { it.withVerifyOnOpen(true) } }
            refusal.segment() to refusal.lsn() shouldBe (1L to 1L)
            log.image() shouldBe before
        }

        "of many segments that are checked at a time, the oldest that is damaged is told" {
            val log = LogFixture(options = WalOptions.DEFAULT.withSegmentBytes(256 shl 10))
            for (number in 1..400) log.buffer("$number ".padEnd(30_000, '.'))
            log.close().kill()
            fun options(readAhead: Boolean) = log.options.withVerifyOnOpen(true).withReadAhead(readAhead)

            fun open(readAhead: Boolean) = Wal.openReadOnly(log.store, options(readAhead))
            open(true).recovery().scannedBytes() shouldBe open(false).recovery().scannedBytes()
            for (damaged in listOf(listOf(40L, 3L, 21L), listOf(49L, 7L), listOf(11L))) {
                val whole = damaged.associateWith { log.store.bytes(it) }
                whole.forEach { (sequence, bytes) ->
                    log.store.replace(sequence, bytes.copyOf().also { it[bytes.size / 2]++ })
                }
                for (round in 1..10) {
                    shouldThrow<WalCorruptedException> { open(round % 2 == 0) }.segment() shouldBe damaged.min()
                }
                whole.forEach(log.store::replace)
            }
            open(true).lastLsn() shouldBe 400
        }

        "damage in a segment that is not the last ends a replay with its place, and is no end of the log" {
            val log = LogFixture().writeLarge(6).sync().close().flipByteOf(largeRecord(2)).reopen()
            val cursor = log.wal.replay(0)
            cursor.next() shouldBe true
            val refusal = shouldThrow<WalCorruptedException> { cursor.next() }
            refusal.segment() to refusal.lsn() shouldBe (1L to 2L)
        }

        "a damaged seal is found on open" {
            val log = LogFixture().writeLarge(4).sync()
            val seal = log.frames(1).last()
            seal.kind shouldBe Format.SEAL
            log.flip(1, seal.position + 30).shouldRefuse().segment() shouldBe 1
        }

        "a segment cut short before the end that its successor names is found on open" {
            val log = LogFixture().writeLarge(4).sync()
            log.edit(1) { it.copyOf(it.size - 100) }.shouldRefuse().message shouldContain "cut off"
        }

        "a damaged header is found on open, in every segment" {
            for (sequence in 1L..3L) {
                val log = LogFixture().writeLarge(6).sync()
                withClue("segment $sequence") {
                    log.flip(sequence, 30).shouldRefuse().segment() shouldBe sequence
                }
            }
        }

        "a damaged OPEN frame with synced records behind it is corruption" {
            val log = LogFixture().writeLarge(4).sync().write("x").sync()
            log.flip(2, Format.HEADER_BYTES + 40L).shouldRefuse().segment() shouldBe 2
        }

        "a missing middle segment is named" {
            val log = LogFixture().writeLarge(6).sync()
            log.store.delete(2)
            log.shouldRefuse().segment() shouldBe 2
        }

        "a missing first segment that no checkpoint explains is named" {
            val log = LogFixture().writeLarge(6).sync()
            log.store.delete(1)
            log.shouldRefuse().segment() shouldBe 1
        }

        "a missing last segment is found by what the snapshot says" {
            val log = LogFixture().writeLarge(6).sync()
            log.store.delete(3)
            log.kill()
            val before = log.image()
            shouldThrow<WalCorruptedException> { log.reopen { it.withExpectAtLeast(6) } }.message shouldContain
                "the log ends at LSN 4, expected at least 6"
            log.image() shouldBe before
        }

        "an empty segment in the middle is refused" {
            val log = LogFixture().writeLarge(6).sync()
            log.edit(2) { ByteArray(0) }.shouldRefuse().segment() shouldBe 2
        }

        "a segment with a header alone in the middle is refused" {
            val log = LogFixture().writeLarge(6).sync()
            log.edit(2) { it.copyOf(Format.HEADER_BYTES) }.shouldRefuse().segment() shouldBe 2
        }

        "an LSN that is left out inside a segment is refused" {
            crafted { open().record(1, "a").record(3, "c") }.message shouldContain "LSN 3, expected 2"
        }

        "an LSN that comes twice inside a segment is refused" {
            crafted { open().record(1, "a").record(1, "a") }.message shouldContain "LSN 1, expected 2"
        }

        "LSNs in the wrong order inside a segment are refused" {
            crafted { open().record(2, "b").record(1, "a") }.message shouldContain "LSN 2, expected 1"
        }

        "a second OPEN frame inside a segment is refused" {
            crafted { open().record(1, "a").open(2) }.message shouldContain "OPEN"
        }

        "a frame behind a seal is refused" {
            crafted { open().record(1, "a").seal(1, 1).record(2, "b") }.message shouldContain "seal"
        }

        "a batch without a beginning, or without an end, inside a segment is refused" {
            crafted { open().record(1, "a", flags = Format.BATCH_END) }.message shouldContain "no beginning"
            crafted { open().record(1, "a", flags = Format.BATCH_BEGIN).record(2, "b") }.message shouldContain
                "not ended"
        }

        "an LSN that is left out between two segments is refused" {
            val log = LogFixture().writeLarge(2).rotate()
            val link = checkNotNull(SegmentProbe.of(log.store, 2).open())
            val gap = OpenFrame(
                link.predecessor(),
                link.predecessorNonce(),
                link.predecessorEnd(),
                4,
                1,
                0,
                3,
                OpenFrame.Reason.ROTATE,
            )
            log.edit(2) { CraftedSegment(checkNotNull(headerIn(it))).open(gap).record(4, "d").bytes() }
            log.shouldRefuse().segment() shouldBe 1
        }
    })

/** What opening says of a log of one segment made by hand. */
private fun crafted(frames: CraftedSegment.() -> Unit): WalCorruptedException {
    val store = WatchedStore()
    val bytes = CraftedSegment(SegmentHeader.ofNewLog(1)).apply(frames).bytes()
    store.replace(1, bytes)
    val refusal = shouldThrow<WalCorruptedException> { LogFixture(store) }
    store.bytes(1).toList() shouldBe bytes.toList()
    return refusal
}
