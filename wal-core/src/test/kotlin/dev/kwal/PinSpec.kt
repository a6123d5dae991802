package dev.kwal

import dev.kwal.WalPin.Overflow
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainInOrder
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException

/** A pin holds records for a reader, whoever wants to drop them, across restarts. */
class PinSpec :
    StringSpec({
        "what a pin holds no checkpoint drops" {
            val log = LogFixture().writeLarge(6).sync()
            log.wal.pin("mailer")
            log.checkpoint(6)
            log.wal.firstLsn() shouldBe 1
            log.records().size shouldBe 6
        }

        "when a pin advances, what a checkpoint asked for is dropped as far as it is let go" {
            val log = LogFixture().writeLarge(6).sync()
            val pin = log.wal.pin("mailer")
            log.checkpoint(6)
            pin.advance(1)
            log.wal.firstLsn() shouldBe 1
            pin.advance(4)
            log.wal.firstLsn() shouldBe 5
            log.sequences() shouldBe listOf(3L)
            pin.drop()
            log.checkpoint(6)
            log.wal.firstLsn() shouldBe 7
        }

        "a pin that advances drops nothing that nobody asked to drop" {
            val log = LogFixture().writeLarge(6).sync()
            log.wal.pin("mailer").advance(6)
            log.wal.firstLsn() shouldBe 1
        }

        "the reader that is furthest behind counts" {
            val log = LogFixture().writeLarge(6).sync()
            val fast = log.wal.pin("fast")
            val slow = log.wal.pin("slow")
            log.checkpoint(6)
            fast.advance(6)
            log.wal.firstLsn() shouldBe 1
            slow.advance(2)
            log.wal.firstLsn() shouldBe 3
        }

        "pins are where they were after a restart" {
            val log = LogFixture().writeLarge(6).sync()
            log.wal.pin("mailer", Overflow.DROP).advance(2)
            log.wal.pin("größer als ASCII").advance(4)
            log.wal.pin("gone").drop()
            log.reopen()
            log.wal.pins().map { Triple(it.name(), it.lsn(), it.overflow()) } shouldBe
                listOf(Triple("mailer", 2L, Overflow.DROP), Triple("größer als ASCII", 4L, Overflow.KEEP))
            log.checkpoint(6)
            log.wal.firstLsn() shouldBe 3
        }

        "a pin that there is stays where it is, and changes its policy only when told one" {
            val log = LogFixture().write("a", "b").sync()
            log.wal.pin("mailer", Overflow.DROP).advance(1)
            log.wal.pin("mailer").overflow() shouldBe Overflow.DROP
            log.wal.pin("mailer", Overflow.KEEP).lsn() shouldBe 1
            log.reopen()
            log.wal.pin("mailer").overflow() shouldBe Overflow.KEEP
        }

        "a new pin holds from the first record that there is" {
            val log = LogFixture().write("a", "b", "c").sync().checkpoint(2)
            log.wal.pin("mailer").lsn() shouldBe 2
        }

        "records are synced before they are let go, and let go durably before they are deleted" {
            val log = LogFixture().writeLarge(3)
            val pin = log.wal.pin("mailer")
            log.checkpoint(2)
            log.buffer("last")
            log.store.calls.clear()
            pin.advance(4)
            log.store.calls shouldContainInOrder listOf("sync 2", "pins 2", "delete 1")
        }

        "of two who advance a pin, the one who comes later does not take it back" {
            val log = LogFixture().write("a", "b").sync()
            val pin = log.wal.pin("mailer")
            val gate = log.store.stopAt("pins")
            val holder = running { log.wal.pin("other") }
            gate.awaitSomebody()
            val farther = running { pin.advance(2) }
            awaitUntil { farther.isWaiting }
            val nearer = running { pin.advance(1) }
            awaitUntil { nearer.isWaiting }
            gate.open()
            holder.result()
            listOf(farther, nearer).forEach { it.result() }
            pin.lsn() shouldBe 2
        }

        "a pin that cannot be written stays as it was, and the log lives" {
            val log = LogFixture().writeLarge(4).sync()
            val pin = log.wal.pin("mailer")
            log.checkpoint(4)
            log.store.fail("pins", times = Int.MAX_VALUE, why = ::noSpace)
            shouldThrow<IOException> { pin.advance(4) }.message shouldBe "no space left"
            shouldThrow<IOException> { log.wal.pin("other") }
            shouldThrow<IOException> { pin.drop() }
            log.wal.pins().map { it.lsn() } shouldBe listOf(0L)
            log.wal.firstLsn() shouldBe 1
            log.store.heal()
            log.write("a").sync()
            pin.advance(4)
            log.wal.firstLsn() shouldBe 5
        }

        "a dropped pin says so, and its name is free" {
            val log = LogFixture().write("a", "b").sync()
            val pin = log.wal.pin("mailer")
            pin.drop()
            pin.drop()
            pin.isDropped shouldBe true
            shouldThrow<WalGoneException> { pin.lsn() }.message shouldContain "the pin mailer was dropped"
            shouldThrow<WalGoneException> { pin.advance(1) }
            shouldThrow<WalGoneException> { pin.lag() }
            log.wal.checkpoint(1)
            log.wal.pin("mailer").lsn() shouldBe 1
        }

        "a reader behind a pin reads on while everything is checkpointed around it" {
            val log = LogFixture().writeLarge(6).sync()
            val pin = log.wal.pin("mailer")
            log.wal.follow(1, Durability.SYNCED).use { reader ->
                for (lsn in 1L..6L) {
                    log.checkpoint(6)
                    reader.text() shouldBe largeRecord(lsn)
                    pin.advance(lsn)
                }
            }
            log.sequences() shouldBe listOf(3L)
        }

        "a truncation takes pins back: what comes in the place of what is given up is held" {
            val log = LogFixture().writeLarge(6).sync()
            val pin = log.wal.pin("mailer")
            pin.advance(6)
            log.truncateAfter(2)
            pin.lsn() shouldBe 2
            log.writeLarge(4).sync().checkpoint(6)
            log.wal.firstLsn() shouldBe 3
            log.reopen().checkpoint(6)
            log.wal.firstLsn() shouldBe 3
        }

        "pins are taken back before the cut is durable" {
            val log = LogFixture().writeLarge(6).sync()
            log.wal.pin("mailer").advance(6)
            log.store.calls.clear()
            log.truncateAfter(3)
            log.store.calls.first() shouldBe "pins 3"
        }

        "a truncation that is refused leaves the pins alone" {
            val log = LogFixture().writeLarge(4).sync().checkpoint(3)
            val pin = log.wal.pin("mailer")
            pin.advance(4)
            shouldThrow<IllegalArgumentException> { log.truncateAfter(1) }
            pin.lsn() shouldBe 4
        }

        "what a checkpoint asked for is not asked of records that come in its place" {
            val log = LogFixture().writeLarge(6).sync()
            val pin = log.wal.pin("mailer")
            log.checkpoint(6)
            log.truncateAfter(2)
            log.writeLarge(6).sync()
            pin.advance(8)
            log.wal.firstLsn() shouldBe 3
        }

        "a log that has lost what a pin had let go is refused" {
            val log = LogFixture().write("a", "b", "c").sync()
            log.wal.pin("mailer").advance(3)
            log.kill().edit(1) { it.copyOf(log.frames(1).last { frame -> frame.isRecord }.position.toInt()) }
            shouldThrow<WalCorruptedException> { log.reopen() }.lsn() shouldBe 3
        }

        "where the store may lose records with the power, a pin goes back to the last that is left, durably" {
            val log = LogFixture(MemoryStore(StoreCapabilities.PROCESS_CRASH_ONLY)).write("a", "b", "c")
            log.wal.pin("mailer").advance(3)
            log.kill().edit(1) { it.copyOf(log.frames(1).last { frame -> frame.isRecord }.position.toInt()) }
            log.reopen().wal.pin("mailer").lsn() shouldBe 2
            log.write("again", "and", "again").reopen().checkpoint(5)
            log.wal.firstLsn() shouldBe 3
        }

        "damaged pins keep the log from being opened, and nothing changes" {
            val log = LogFixture().writeLarge(4).sync()
            log.wal.pin("mailer").advance(1)
            val pins = log.store.pins()
            val whole = pins.open(2).use { it.readAllBytes() }
            for (position in whole.indices) {
                log.kill()
                pins.delete(pins.snapshots().single())
                pins.create(2) { it.write(whole.clone().also { bytes -> bytes[position]++ }) }
                val before = log.image()
                withClue("byte $position") {
                    shouldThrow<WalCorruptedException> { log.reopen() }.message shouldContain "pins in "
                    log.image() shouldBe before
                }
            }
        }

        "a snapshot of somebody else in the place of the pins is no table of pins" {
            val log = LogFixture().write("a").sync()
            val strange = MemoryStore(StoreCapabilities.DURABLE).pins()
            Snapshots.of(log.wal, strange, 1).publish(1) { it.write("a state".toByteArray()) }
            log.store.pins().create(1) { strange.open(1).use { bytes -> bytes.transferTo(it) } }
            shouldThrow<WalCorruptedException> { log.reopen() }.message shouldContain "table of pins"
        }

        "the lag counts records, and the bytes of the segments that hold them" {
            val log = LogFixture().writeLarge(5).sync()
            val pin = log.wal.pin("mailer")
            val sizes = log.wal.segments().map { it.bytes() }
            pin.lag() shouldBe WalPin.Lag(5, sizes.sum())
            pin.advance(1)
            pin.lag() shouldBe WalPin.Lag(4, sizes.sum())
            pin.advance(2)
            pin.lag() shouldBe WalPin.Lag(3, sizes.drop(1).sum())
            pin.advance(5)
            pin.lag() shouldBe WalPin.Lag(0, 0)
            log.buffer("new")
            pin.lag() shouldBe WalPin.Lag(1, log.wal.segments().last().bytes())
        }

        "names are text of 1 to 255 bytes" {
            val log = LogFixture()
            listOf("", "x".repeat(256), "ä".repeat(128), "\ud800").forEach {
                withClue(it) { shouldThrow<IllegalArgumentException> { log.wal.pin(it) } }
            }
            listOf("x", "ä".repeat(127), "../..", "a b\n").forEach { log.wal.pin(it) }
            log.reopen().wal.pins().map { it.name() } shouldBe listOf("x", "ä".repeat(127), "../..", "a b\n")
        }

        "an LSN out of range is refused, and one that was let go is nothing new" {
            val log = LogFixture().write("a", "b").sync()
            val pin = log.wal.pin("mailer")
            listOf(-1L, 3L).forEach { shouldThrow<IllegalArgumentException> { pin.advance(it) } }
            pin.advance(2)
            val calls = log.store.calls.toList()
            pin.advance(1)
            pin.lsn() shouldBe 2
            log.store.calls.toList() shouldBe calls
        }

        "there are at most 1,024 pins" {
            val log = LogFixture()
            repeat(1024) { log.wal.pin("pin $it") }
            shouldThrow<IllegalStateException> { log.wal.pin("one more") }
            log.wal.pin("pin 7").name() shouldBe "pin 7"
            log.reopen().wal.pins().size shouldBe 1024
        }

        "after close a pin says that the log is closed" {
            val log = LogFixture().write("a").sync()
            val pin = log.wal.pin("mailer")
            log.close()
            shouldThrow<WalClosedException> { pin.advance(1) }
            shouldThrow<WalClosedException> { pin.drop() }
            shouldThrow<WalClosedException> { log.wal.pin("mailer") }
            pin.lsn() shouldBe 0
        }
    })
