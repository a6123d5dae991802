package dev.kwal

import dev.kwal.storage.StoreLockedException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith
import java.time.Duration

/** How a log ends, and what an end is worth. */
class CloseSpec :
    StringSpec({
        "closing writes and syncs what is buffered" {
            val log = LogFixture().buffer("a", "b").close()
            log.wal.durableLsn() shouldBe 2
            log.reopen().records() shouldBe listOf("a", "b")
        }

        "closing syncs, writes the mark, and syncs again" {
            val log = LogFixture().write("a")
            log.store.calls.clear()
            log.close().store.calls.filter { it != "create 2" && it != "delete 2" } shouldBe
                listOf("sync 1", "append 1", "sync 1")
            log.frames().last().kind shouldBe Format.CLOSE
        }

        "a second close does nothing" {
            val log = LogFixture().write("a").close()
            val calls = log.store.calls.size
            log.close().close()
            log.store.calls.size shouldBe calls
        }

        "a log that was closed opens clean, copies nothing, and goes on in the same segment" {
            val log = LogFixture().write("a").close().reopen()
            log.report.end() shouldBe RecoveryReport.End.CLEAN
            log.report.copiedRecords() shouldBe 0
            log.write("b").sync().sequences() shouldBe listOf(1L)
            log.reopen().records() shouldBe listOf("a", "b")
        }

        "a log that was not closed says so" {
            LogFixture().write("a").reopen().report.end() shouldBe RecoveryReport.End.UNCLOSED
        }

        "a new log says so" {
            LogFixture().report.end() shouldBe RecoveryReport.End.NEW
        }

        "a log that was closed empty opens empty" {
            val log = LogFixture().close().reopen()
            log.records() shouldBe emptyList()
            log.write("a").close().reopen().records() shouldBe listOf("a")
        }

        "closing again and again without appends adds no segment" {
            val log = LogFixture().write("a").close()
            repeat(10) { log.reopen().close() }
            log.sequences() shouldBe listOf(1L)
        }

        "open and close with one append each, twenty times, make twenty records in one segment" {
            val log = LogFixture(options = WalOptions.DEFAULT)
            for (lsn in 1L..20L) {
                log.wal.append("r$lsn".toByteArray()) shouldBe lsn
                log.close().reopen()
            }
            log.records() shouldBe List(20) { "r${it + 1}" }
            log.sequences() shouldBe listOf(1L)
        }

        "open and kill with one append each, twenty times, make twenty records" {
            val log = LogFixture()
            for (lsn in 1L..20L) {
                log.wal.append("r$lsn".toByteArray()) shouldBe lsn
                log.reopen()
            }
            log.records() shouldBe List(20) { "r${it + 1}" }
        }

        "every call after close is refused" {
            val log = LogFixture().write("a").close()
            val wal = log.wal
            val calls = mapOf<String, () -> Unit>(
                "append" to { wal.append("b".toByteArray()) },
                "append buffered" to { wal.append("b".toByteArray(), Durability.BUFFERED) },
                "appendAndSync" to { wal.appendAndSync("b".toByteArray()) },
                "appendBatch" to { wal.appendBatch(listOf("b".toBuffer())) },
                "empty batch" to { wal.appendBatch(emptyList()) },
                "tryAppend" to { wal.tryAppend("b".toBuffer()) },
                "appendAsync" to { wal.appendAsync("b".toBuffer(), Durability.WRITTEN) },
                "appendAsync(limit)" to { wal.appendAsync("b".toBuffer(), Durability.WRITTEN, Duration.ofDays(1)) },
                "sync" to { wal.sync() },
                "sync(lsn)" to { wal.sync(1) },
                "sync(limit)" to { wal.sync(Duration.ofDays(1)) },
                "commit" to { wal.commit(1, Durability.WRITTEN) },
                "rotate" to { wal.rotate() },
                "rotate(limit)" to { wal.rotate(Duration.ofDays(1)) },
                "checkpoint" to { wal.checkpoint(1) },
                "checkpoint(limit)" to { wal.checkpoint(1, Duration.ofDays(1)) },
                "truncateAfter" to { wal.truncateAfter(0) },
                "truncateAfter(limit)" to { wal.truncateAfter(0, Duration.ofDays(1)) },
                "read" to { wal.read(1) },
                "replay" to { wal.replay(0) },
                "follow" to { wal.follow(0) },
            )
            calls.forEach { (name, call) -> withClue(name) { shouldThrow<WalClosedException> { call() } } }
            log.store.calls.last() shouldBe "sync 1"
        }

        "the accessors keep their last values" {
            val wal = LogFixture().write("a", "b").close().wal
            listOf(wal.firstLsn(), wal.lastLsn(), wal.writtenLsn(), wal.durableLsn()) shouldBe listOf(1L, 2L, 2L, 2L)
            wal.state() shouldBe WalState.CLOSED
            wal.segments().map { it.lastLsn } shouldBe listOf(2L)
        }

        "closing gives the store up, even when it fails" {
            val log = LogFixture().write("a")
            log.store.fail("sync")
            shouldThrow<WalFailedException> { log.close() }
            log.store.heal()
            LogFixture(log.store).records() shouldBe listOf("a")
        }

        "the store is given up last: while anything is still written nobody else gets it" {
            val log = LogFixture().write("a")
            val others = mutableListOf<Throwable?>()
            log.store.before = { others += runCatching { log.store.lock().close() }.exceptionOrNull() }
            log.close()
            others.map { it?.javaClass }.toSet() shouldBe setOf(StoreLockedException::class.java)
        }

        "closing tells that records are not durable" {
            val log = LogFixture().write("a")
            log.store.fail("append", why = ::noSpace)
            shouldThrow<WalFailedException> { log.buffer("b").close() }.durableLsn() shouldBe 0
        }

        "calls that wait when the log is closed end, with their record durable" {
            val log = LogFixture().write("a")
            val gate = log.store.stopAt("sync")
            val sync = running { log.sync() }
            gate.awaitSomebody()
            val waiting = running { log.wal.appendAndSync("b".toByteArray()) }
            awaitUntil { log.wal.lastLsn() == 2L }
            val closing = running { log.close() }
            gate.open()
            sync.result()
            waiting.result() shouldBe 2
            closing.result()
            log.reopen().records() shouldBe listOf("a", "b")
        }

        "cursors that are open when the log is closed go on reading what there is" {
            val log = LogFixture().write("a", "b")
            val cursor = log.wal.replay(0)
            log.close()
            cursor.texts() shouldBe listOf("a", "b")
        }

        "a close mark that could not be synced is no proof, and no record is lost" {
            val log = LogFixture().write("a").sync()
            log.store.fail("sync")
            runCatching { log.close() }
            log.store.heal()
            log.reopen().write("b").sync().reopen().records() shouldBe listOf("a", "b")
        }

        "a close after a recovery that left no segment marks the end all the same" {
            val log = LogFixture().write("a").sync().tick().tick().reopen().close().flipByteOf("a")
            shouldThrow<WalCorruptedException> { log.reopen().records() }.lsn() shouldBe 1
        }

        "a report is one line for a person" {
            val line = LogFixture().write("a").sync().write("b", "c").cut(3).reopen().report.toString()
            line.lines().size shouldBe 1
            line shouldStartWith "torn tail in segment 1 at byte "
        }
    })
