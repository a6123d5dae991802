package dev.kwal

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe

/** The same calls make the same bytes. Only what is drawn by lot differs: log ids, nonces, and checksums over them. */
class SameBytesSpec :
    StringSpec({
        fun session() = LogFixture()
            .write("a", "b")
            .sync()
            .writeBatch("c", "d")
            .writeLarge(5)
            .sync()
            .checkpoint(3)
            .truncateAfter(7)
            .write("e")
            .close()

        /** The bytes of all segments, with what is drawn by lot set to zero. */
        fun LogFixture.drawnBytesRemoved() = sequences().associateWith { sequence ->
            val bytes = store.bytes(sequence)
            bytes.fill(0, 24, 40)
            bytes.fill(0, 48, 64)
            for (frame in frames(sequence)) {
                val at = frame.position.toInt()
                bytes.fill(0, at + 4, at + 8)
                if (frame.kind == Format.OPEN) bytes.fill(0, at + 32, at + 40)
            }
            bytes.toList()
        }

        "the same calls make the same segments" {
            session().drawnBytesRemoved() shouldBe session().drawnBytesRemoved()
        }

        "the same frames under the same header are the same bytes" {
            val header = SegmentHeader(1, 2, 3, 4)
            fun segment() = CraftedSegment(header).open().record(1, "a").record(2, "b", 1).mark(Format.CLOSE, 2).bytes()
            segment().toList() shouldBe segment().toList()
        }

        "no byte of an earlier record is left in the padding of a later one" {
            val log = LogFixture().write("xxxxxxxxxxxxxxxxxxxxxxxx").write("y")
            val frame = log.frames().last()
            val end = frame.position + Format.FRAME_HEADER_BYTES + 1
            log.store.bytes(1).slice(end.toInt() until frame.end.toInt()).toSet() shouldBe setOf<Byte>(0)
        }

        "every frame begins at a multiple of eight" {
            val log = LogFixture()
            repeat(20) { log.write("x".repeat(it)) }
            log.sequences().flatMap { log.frames(it) }.map { it.position % 8 }.toSet() shouldBe setOf(0L)
        }

        "a frame takes 24 bytes and its record, rounded up" {
            val log = LogFixture().write("", "1234567", "12345678")
            log.frames().filter { it.isRecord }.map { it.end - it.position } shouldBe listOf(24L, 32L, 32L)
        }
    })
