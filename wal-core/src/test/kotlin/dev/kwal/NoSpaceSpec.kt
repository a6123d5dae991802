package dev.kwal

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import java.nio.file.AccessDeniedException
import java.nio.file.FileSystemException

/** A segment that cannot be prepared is no failure of the log. */
class NoSpaceSpec :
    StringSpec({
        /** A log with one full segment, on a store that has no room for another. */
        fun full() = LogFixture().writeLarge(2).sync().apply {
            store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
        }

        "the append that needs the segment fails, and takes no LSN" {
            val log = full()
            val cause = noSpace()
            log.store.before = { if (it.startsWith("create")) throw cause }
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }.cause shouldBeSameInstanceAs cause
            log.wal.lastLsn() shouldBe 2
        }

        "a batch that needs the segment fails whole" {
            val log = full()
            shouldThrow<WalNoSpaceException> { log.writeBatch(largeRecord(3), largeRecord(4)) }
            log.wal.lastLsn() shouldBe 2
        }

        "the state is told, and the log is alive: it reads, syncs, and appends what still fits" {
            val log = full()
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }
            log.wal.state() shouldBe WalState.NO_SPACE
            log.write("small").sync().records().last() shouldBe "small"
        }

        "when there is space again the next append goes on, with the next LSN" {
            val log = full()
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }
            log.store.heal()
            log.wal.append(largeRecord(3).toByteArray()) shouldBe 3
            log.wal.state() shouldBe WalState.OPEN
            log.sync().reopen().records() shouldBe listOf(1L, 2L, 3L).map(::largeRecord)
        }

        "it is tried again in the background" {
            val log = full()
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }
            log.tick()
            log.wal.state() shouldBe WalState.NO_SPACE
            log.store.heal()
            log.tick()
            log.wal.state() shouldBe WalState.OPEN
        }

        "a failure to prepare ahead hurts nobody until the segment is needed" {
            val log = LogFixture()
            log.store.fail("create 2", times = Int.MAX_VALUE, why = ::noSpace)
            log.writeLarge(2).background.run()
            log.wal.state() shouldBe WalState.NO_SPACE
            log.sync().records().size shouldBe 2
        }

        "it makes no difference why the segment cannot be prepared" {
            val reasons = listOf(
                AccessDeniedException("/wal"),
                FileSystemException("/wal", null, "Too many open files"),
                FileSystemException("/wal", null, "Disk quota exceeded"),
                mediumError(),
            )
            for (reason in reasons) {
                val log = full()
                log.store.before = { if (it.startsWith("create")) throw reason }
                withClue("$reason") {
                    shouldThrow<WalNoSpaceException> { log.writeLarge(1) }.cause shouldBeSameInstanceAs reason
                    log.store.heal()
                    log.writeLarge(1).wal.lastLsn() shouldBe 3
                }
            }
        }

        "a rotation by hand fails, and the segment goes on" {
            val log = LogFixture().write("a")
            log.store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            shouldThrow<WalNoSpaceException> { log.rotate() }
            log.write("b").sync().reopen().records() shouldBe listOf("a", "b")
        }

        "a checkpoint works on a full store, and makes room" {
            val log = LogFixture(MemoryStore(StoreCapabilities.DURABLE, 3600))
            val error = runCatching { repeat(100) { log.writeLarge(1) } }.exceptionOrNull()
            error!!::class shouldBe WalNoSpaceException::class
            val last = log.wal.lastLsn()
            log.checkpoint(last - 1)
            log.writeLarge(1).wal.lastLsn() shouldBe last + 1
            log.reopen().records() shouldBe listOf(last, last + 1).map(::largeRecord)
        }

        "a checkpoint of everything is durable on a full store" {
            val log = full()
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }
            log.checkpoint(2)
            log.store.heal()
            log.reopen().wal.firstLsn() shouldBe 3
        }

        "on a full store a closed log opens, reads and checkpoints" {
            val log = full().close().reopen()
            log.records().size shouldBe 2
            log.checkpoint(1).records() shouldBe listOf(largeRecord(2))
        }

        "on a full store a log that was not closed opens, reads, and says that it has no space" {
            val log = LogFixture().write("a").sync().write("b")
            log.store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            log.reopen()
            log.wal.state() shouldBe WalState.NO_SPACE
            log.records() shouldBe listOf("a", "b")
        }

        "what was not proven before such an open is not called durable" {
            val log = LogFixture().write("a").sync().write("b", "c")
            log.store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            log.reopen()
            log.wal.durableLsn() shouldBe 1
            shouldThrow<WalNoSpaceException> { log.sync() }
        }

        "such a log goes on when there is space, and makes durable what was not" {
            val log = LogFixture().write("a").sync().write("b")
            log.store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            log.reopen()
            shouldThrow<WalNoSpaceException> { log.write("c") }
            log.store.heal()
            log.write("c").sync().reopen().records() shouldBe listOf("a", "b", "c")
        }

        "such a log tells on close what could not be made durable, changes nothing, and opens again" {
            val log = LogFixture().write("a").sync().write("b")
            log.store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            val before = log.image()
            log.reopen()
            shouldThrow<WalNoSpaceException> { log.close() }
            log.image() shouldBe before
            log.store.heal()
            LogFixture(log.store).records() shouldBe listOf("a", "b")
        }

        "a copy of the tail that runs out of space halfway leaves the log as it was" {
            val log = LogFixture().write("a").sync().write("b")
            log.kill()
            val before = log.image()
            for (nth in 1..3) {
                log.store.fail("append", nth, why = ::noSpace)
                log.reopen()
                withClue("write $nth of the copy") { log.records() shouldBe listOf("a", "b") }
                log.kill()
                before.forEach { (sequence, bytes) -> log.store.bytes(sequence).toList() shouldBe bytes }
            }
            log.store.heal()
            log.reopen().records() shouldBe listOf("a", "b")
        }

        "a new log on a full store opens, fails appends, and heals" {
            val store = WatchedStore()
            store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            val log = LogFixture(store)
            shouldThrow<WalNoSpaceException> { log.write("a") }
            store.heal()
            log.wal.append("a".toByteArray()) shouldBe 1
        }

        "a full disk in the middle of a segment is a failed write, and no record that was synced is lost" {
            val log = LogFixture().write("a").sync()
            log.store.fail("append", why = ::noSpace)
            shouldThrow<WalFailedException> { log.write("b") }.cause!!.message shouldBe "no space left"
            log.store.heal()
            log.reopen().records() shouldBe listOf("a")
        }

        "tryAppend says that there is no room, and changes nothing" {
            val log = full()
            log.wal.tryAppend(largeRecord(3).toBuffer()) shouldBe Wal.NO_ROOM
            log.wal.lastLsn() shouldBe 2
        }

        "a caller who only tries gets room within the flush interval" {
            val log = LogFixture().writeLarge(2)
            log.wal.tryAppend(largeRecord(3).toBuffer()) shouldBe Wal.NO_ROOM
            log.tick()
            log.wal.tryAppend(largeRecord(3).toBuffer()) shouldBe 3
        }

        "a caller who only tries gets room when there is space again" {
            val log = full()
            log.wal.tryAppend(largeRecord(3).toBuffer()) shouldBe Wal.NO_ROOM
            log.tick()
            log.wal.tryAppend(largeRecord(3).toBuffer()) shouldBe Wal.NO_ROOM
            log.store.heal()
            log.tick()
            log.wal.tryAppend(largeRecord(3).toBuffer()) shouldBe 3
        }

        "tryAppend has room again when an append that waits has begun the next segment" {
            val log = LogFixture().writeLarge(2)
            log.wal.tryAppend(largeRecord(3).toBuffer()) shouldBe Wal.NO_ROOM
            log.writeLarge(1)
            log.wal.tryAppend(largeRecord(4).toBuffer()) shouldBe 4
        }
    })
