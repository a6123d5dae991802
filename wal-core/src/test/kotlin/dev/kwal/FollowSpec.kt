package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import java.io.InterruptedIOException
import java.time.Duration
import java.util.concurrent.atomic.AtomicBoolean

/** How a cursor goes on with new records. */
class FollowSpec :
    StringSpec({
        "it delivers what is durable, and nothing before" {
            val log = LogFixture().write("a").sync().write("b")
            val cursor = log.wal.follow(0)
            cursor.text() shouldBe "a"
            cursor.text() shouldBe null
            log.sync()
            cursor.text() shouldBe "b"
        }

        "it delivers what is written, where that is asked for" {
            val log = LogFixture().write("a").buffer("b")
            val cursor = log.wal.follow(0, Durability.WRITTEN)
            cursor.text() shouldBe "a"
            cursor.text() shouldBe null
            log.wal.commit(2, Durability.WRITTEN)
            cursor.text() shouldBe "b"
        }

        "it does not follow what is only buffered" {
            shouldThrow<IllegalArgumentException> { LogFixture().wal.follow(0, Durability.BUFFERED) }
        }

        "it waits for the next record and wakes up for it" {
            val log = LogFixture()
            val cursor = log.wal.follow(0)
            val next = running { cursor.next() }
            awaitUntil { next.isWaiting }
            log.write("a").sync()
            next.result() shouldBe true
            cursor.record().text() shouldBe "a"
        }

        "it begins at the end, in the middle, and not behind" {
            val log = LogFixture().write("a", "b", "c").sync()
            log.wal.follow(2).text() shouldBe "b"
            log.wal.follow(4).text() shouldBe null
            shouldThrow<IllegalArgumentException> { log.wal.follow(5) }
        }

        "it goes on over a rotation" {
            val log = LogFixture().write("a").sync()
            val cursor = log.wal.follow(0)
            cursor.text() shouldBe "a"
            log.rotate().write("b").rotate().write("c").sync()
            listOf(cursor.text(), cursor.text(), cursor.text()) shouldBe listOf("b", "c", null)
        }

        "it goes on beside writers, rotations and checkpoints, and misses nothing" {
            val log = LogFixture()
            val seen = running {
                log.wal.follow(0).use { cursor -> List(500) { cursor.next().let { cursor.record().text() } } }
            }
            for (number in 1..500) {
                log.write("r$number").sync()
                if (number % 50 == 0) log.rotate()
            }
            seen.result() shouldBe List(500) { "r${it + 1}" }
        }

        "it delivers the records before a close, and ends" {
            val log = LogFixture().write("a")
            val cursor = log.wal.follow(0)
            val seen = running { cursor.texts() }
            awaitUntil { seen.isWaiting }
            log.write("b").close()
            seen.result() shouldBe listOf("a", "b")
        }

        "closing does not overtake the records that it makes durable" {
            val log = LogFixture().write("a")
            val cursor = log.overtakenCursor { close() }
            cursor.texts() shouldBe listOf("a")
        }

        "a failure does not overtake what became durable before it" {
            val log = LogFixture().write("a")
            val cursor = log.overtakenCursor {
                sync().write("b").store.fail("sync")
                shouldThrow<WalFailedException> { sync() }
            }
            cursor.text() shouldBe "a"
            shouldThrow<WalFailedException> { cursor.text() }
        }

        "it ends when the log is closed while it waits" {
            val log = LogFixture().write("a").sync()
            val cursor = log.wal.follow(2)
            val next = running { cursor.next() }
            awaitUntil { next.isWaiting }
            log.close()
            next.result() shouldBe false
        }

        "it delivers what is durable of a log that failed, and then the failure" {
            val log = LogFixture().write("a").sync().write("b")
            log.store.fail("sync")
            shouldThrow<WalFailedException> { log.sync() }
            val cursor = log.wal.follow(0, Durability.WRITTEN)
            cursor.text() shouldBe "a"
            shouldThrow<WalFailedException> { cursor.next() }.cause?.message shouldBe "the medium failed"
        }

        "it hears of a failure while it waits" {
            val log = LogFixture().write("a").sync().write("b")
            val cursor = log.wal.follow(2)
            val next = running { cursor.next() }
            awaitUntil { next.isWaiting }
            log.store.fail("sync")
            shouldThrow<WalFailedException> { log.sync() }
            shouldThrow<WalFailedException> { next.result() }
        }

        "an interrupt ends the wait, leaves the flag set, and the cursor can be used again" {
            val log = LogFixture()
            val cursor = log.wal.follow(0)
            val next = running {
                shouldThrow<InterruptedIOException> { cursor.next() }
                Thread.currentThread().isInterrupted
            }
            awaitUntil { next.isWaiting }
            next.thread.interrupt()
            next.result() shouldBe true
            log.write("a").sync()
            cursor.text() shouldBe "a"
        }

        "a time limit ends the wait without a record" {
            val cursor = LogFixture().wal.follow(0)
            cursor.next(Duration.ofNanos(1)) shouldBe false
            cursor.next(Duration.ZERO) shouldBe false
            shouldThrow<IllegalArgumentException> { cursor.next(Duration.ofNanos(-1)) }
        }

        "it is told when a checkpoint dropped its next record" {
            val log = LogFixture().writeLarge(6).sync()
            val cursor = log.wal.follow(1)
            log.checkpoint(4)
            shouldThrow<WalGoneException> { cursor.next() }.lsn() shouldBe 1
        }

        "a checkpoint behind it changes nothing" {
            val log = LogFixture().writeLarge(6).sync()
            val cursor = log.wal.follow(6)
            log.checkpoint(5)
            cursor.text() shouldBe largeRecord(6)
        }

        "it goes on with the new records after a truncation behind it" {
            val log = LogFixture().write("a", "b", "c").sync()
            val cursor = log.wal.follow(0)
            cursor.text() shouldBe "a"
            log.truncateAfter(1).write("B").sync()
            cursor.text() shouldBe "B"
            cursor.text() shouldBe null
        }

        "it is told when a truncation gave up what it delivered" {
            val log = LogFixture().write("a", "b", "c").sync()
            val cursor = log.wal.follow(0)
            repeat(3) { cursor.next() }
            log.truncateAfter(1).write("B", "C", "D").sync()
            shouldThrow<WalGoneException> { cursor.next() }.lsn() shouldBe 4
        }

        "it is told of the second of two truncations that gave up what it delivered" {
            val log = LogFixture().write("a", "b", "c", "d").sync()
            val cursor = log.wal.follow(0)
            repeat(3) { cursor.next() }
            log.truncateAfter(3).truncateAfter(1).write("B", "C", "D").sync()
            shouldThrow<WalGoneException> { cursor.next() }
        }

        "it is told of the first of two truncations that gave up what it delivered" {
            val log = LogFixture().write("a", "b", "c", "d").sync()
            val cursor = log.wal.follow(0)
            repeat(3) { cursor.next() }
            log.truncateAfter(1).write("B", "C", "D", "E").truncateAfter(4).write("F").sync()
            shouldThrow<WalGoneException> { cursor.next() }
        }

        "its records wait on nobody: it is closed without the log" {
            val log = LogFixture().write("a").sync()
            log.wal.follow(0).close()
            log.write("b").records() shouldBe listOf("a", "b")
        }

        "a log that failed and was closed ends in its failure, not as if it were complete" {
            for (level in listOf(Durability.WRITTEN, Durability.SYNCED)) {
                val log = LogFixture().write("a").sync()
                val cursor = log.wal.follow(0, level)
                log.store.fail("sync")
                shouldThrow<WalFailedException> { log.write("b").sync() }
                shouldThrow<WalFailedException> { log.close() }
                cursor.text() shouldBe "a"
                shouldThrow<WalFailedException> { cursor.text() }
            }
        }
    })

/** A follower that looks how far it may read, and sees nothing else of the log before the [change] is over. */
private fun LogFixture.overtakenCursor(change: LogFixture.() -> Unit): WalCursor {
    val isFirst = AtomicBoolean(true)
    val view = object : LogView by wal.view {
        override fun readableLsn(level: Durability): Long =
            wal.view.readableLsn(level).also { if (isFirst.compareAndSet(true, false)) change() }
    }
    val level = Durability.SYNCED
    return LogCursor(store, options, view, 1, Long.MAX_VALUE, level, true, FrameScanner.BLOCK_BYTES)
}
