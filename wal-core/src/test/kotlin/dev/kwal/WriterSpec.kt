package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContainInOrder
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException
import java.time.Duration
import java.util.concurrent.atomic.AtomicLong

/** A newer writer shuts out the older ones. */
class WriterSpec :
    StringSpec({
        "the first writer has epoch 1, each later one the next, over restarts too" {
            val log = LogFixture()
            log.wal.beginWriting().epoch() shouldBe 1
            log.wal.beginWriting().epoch() shouldBe 2
            log.reopen().wal.beginWriting().epoch() shouldBe 3
            log.close().reopen().wal.beginWriting().epoch() shouldBe 4
        }

        "an older writer appends nothing, takes no LSN, and is told both epochs" {
            val log = LogFixture().write("a")
            val older = log.wal.beginWriting()
            older.append("b".toBuffer()) shouldBe 2
            val newer = log.wal.beginWriting()
            val appends = listOf(
                { older.append("x".toBuffer()) },
                { older.append("x".toBuffer(), Durability.SYNCED) },
                { older.appendBatch(listOf("x".toBuffer(), "y".toBuffer())) },
                { older.appendBatch(emptyList()) },
                { older.appendIf(3, "x".toBuffer(), Durability.BUFFERED) },
                { older.appendIf(99, "x".toBuffer(), Durability.BUFFERED) },
                { older.appendBatchIf(3, listOf("x".toBuffer(), "y".toBuffer()), Durability.BUFFERED) },
            )
            appends.forEach {
                val thrown = shouldThrow<WalFencedException> { it() }
                listOf(thrown.writerEpoch(), thrown.newestWriterEpoch()) shouldBe listOf(1L, 2L)
            }
            newer.append("c".toBuffer()) shouldBe 3
            log.sync().reopen().records() shouldBe listOf("a", "b", "c")
        }

        "what an older writer appended before stays" {
            val log = LogFixture()
            log.wal.beginWriting().appendBatch(listOf("a".toBuffer(), "b".toBuffer()), Durability.BUFFERED)
            log.wal.beginWriting().appendIf(3, "c".toBuffer(), Durability.SYNCED)
            log.reopen().records() shouldBe listOf("a", "b", "c")
        }

        "who appends by the log itself is shut out by nobody" {
            val log = LogFixture().write("a")
            log.wal.beginWriting()
            log.write("b").writeBatch("c", "d")
            log.wal.tryAppend("e".toBuffer()) shouldBe 5
            log.wal.appendIf(6, "f".toByteArray()) shouldBe 6
        }

        "no record of an older writer gets an LSN when the newer one is there" {
            val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(1 shl 16).withBufferBytes(4096))
            repeat(30) { round ->
                val older = log.wal.beginWriting()
                val last = AtomicLong(log.wal.lastLsn())
                val appenders = List(3) {
                    running {
                        shouldThrow<WalFencedException> {
                            while (true) {
                                val lsn = older.append("$round".toBuffer(), Durability.BUFFERED)
                                last.accumulateAndGet(lsn, ::maxOf)
                            }
                        }
                    }
                }
                val begun = last.get()
                awaitUntil { last.get() > begun + 50 }
                log.wal.beginWriting()
                val fencedAt = log.wal.lastLsn()
                appenders.forEach { it.result() }
                withClue("round $round") {
                    log.wal.lastLsn() shouldBe fencedAt
                    last.get() shouldBeLessThanOrEqual fencedAt
                }
            }
            val records = log.sync().reopen().records()
            records shouldBe records.sortedBy { it.toInt() }
        }

        "an older writer that found no room is shut out when there is some" {
            val log = LogFixture().writeLarge(2).sync()
            val older = log.wal.beginWriting()
            log.store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            shouldThrow<WalNoSpaceException> { older.append(largeRecord(3).toBuffer()) }
            log.wal.beginWriting()
            log.store.heal()
            shouldThrow<WalFencedException> { older.append(largeRecord(3).toBuffer()) }
            log.wal.lastLsn() shouldBe 2
        }

        "the epoch is durable before anybody goes by it" {
            val log = LogFixture()
            val older = log.wal.beginWriting()
            val gate = log.store.stopAt("pins")
            val beginning = running { log.wal.beginWriting() }
            gate.awaitSomebody()
            older.append("a".toBuffer(), Durability.SYNCED) shouldBe 1
            gate.open()
            beginning.result().epoch() shouldBe 2
            shouldThrow<WalFencedException> { older.append("b".toBuffer()) }
        }

        "what is buffered is synced behind the epoch" {
            val log = LogFixture().buffer("a")
            log.wal.beginWriting()
            log.store.calls shouldContainInOrder listOf("pins 1", "append 1", "sync 1")
            log.wal.durableLsn() shouldBe 1
        }

        "a writer that cannot be written begins not, and the older one goes on" {
            val log = LogFixture()
            val older = log.wal.beginWriting()
            log.store.fail("pins", why = ::noSpace)
            shouldThrow<IOException> { log.wal.beginWriting() }.message shouldBe "no space left"
            older.append("a".toBuffer()) shouldBe 1
            log.wal.beginWriting().epoch() shouldBe 2
        }

        "pins and writers keep each other" {
            val log = LogFixture().write("a", "b").sync()
            log.wal.pin("mailer").advance(1)
            log.wal.beginWriting()
            log.wal.pin("other")
            log.truncateAfter(1)
            log.reopen().wal.pins().map { it.name() } shouldBe listOf("mailer", "other")
            log.wal.beginWriting().epoch() shouldBe 2
        }

        "what is noted of segments that were sealed takes no writer back" {
            val retention = Retention.UNLIMITED.withKeepAge(Duration.ofHours(1))
            val log = LogFixture(options = SMALL_SEGMENTS.withRetention(retention))
            val older = log.wal.beginWriting()
            log.writeLarge(3).background.run()
            log.wal.beginWriting().epoch() shouldBe 2
            shouldThrow<WalFencedException> { older.append("x".toBuffer()) }
        }

        "writers are not epochs of the log" {
            val log = LogFixture().write("a", "b").sync()
            val writer = log.wal.beginWriting()
            log.truncateAfter(1)
            log.wal.epoch() shouldBe 1
            writer.append("B".toBuffer()) shouldBe 2
            log.wal.beginWriting().epoch() shouldBe 2
            log.wal.epoch() shouldBe 1
        }

        "an epoch that is damaged keeps the log from being opened" {
            val log = LogFixture().write("a").sync()
            log.wal.beginWriting()
            val pins = log.store.pins()
            val whole = pins.open(1).use { it.readAllBytes() }
            for (position in whole.indices) {
                log.kill()
                pins.delete(1)
                pins.create(1) { it.write(whole.clone().also { bytes -> bytes[position]++ }) }
                withClue("byte $position") {
                    shouldThrow<WalCorruptedException> { log.reopen() }.message shouldContain "pins in "
                }
            }
        }

        "after close, and when the log has failed, a writer says so" {
            val log = LogFixture()
            val writer = log.wal.beginWriting()
            log.close()
            shouldThrow<WalClosedException> { writer.append("a".toBuffer()) }
            shouldThrow<WalClosedException> { log.wal.beginWriting() }
            log.reopen()
            val again = log.wal.beginWriting()
            log.store.fail("append")
            shouldThrow<WalFailedException> { again.append("a".toBuffer(), Durability.SYNCED) }
            shouldThrow<WalFailedException> { log.wal.beginWriting() }
        }

        "a writer begins where there is no segment to append to" {
            val log = LogFixture()
            log.store.fail("create", times = Int.MAX_VALUE, why = ::noSpace)
            runCatching { log.write("a") }
            val older = log.wal.beginWriting()
            val newer = log.wal.beginWriting()
            log.store.heal()
            shouldThrow<WalFencedException> { older.append("a".toBuffer()) }
            newer.append("a".toBuffer()) shouldBe 1
        }
    })
