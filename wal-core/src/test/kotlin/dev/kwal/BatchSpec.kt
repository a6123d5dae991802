package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.ByteBuffer

/** Records that come back all or none. */
class BatchSpec :
    StringSpec({
        "a batch gets consecutive LSNs and returns the last" {
            val log = LogFixture().write("a")
            log.wal.appendBatch(listOf("b", "c", "d").map { it.toBuffer() }) shouldBe 4
            log.records() shouldBe listOf("a", "b", "c", "d")
        }

        "a batch of one is a record" {
            LogFixture().writeBatch("a").sync().reopen().records() shouldBe listOf("a")
        }

        "an empty batch does nothing and returns the last LSN" {
            val log = LogFixture().write("a").sync()
            val before = log.image()
            log.wal.appendBatch(emptyList()) shouldBe 1
            log.wal.tryAppendBatch(emptyList()) shouldBe 1
            log.wal.appendBatchAsync(emptyList(), Durability.SYNCED).lsn shouldBe 1
            log.image() shouldBe before
        }

        "a batch cut at any byte is there whole or not at all" {
            val whole = LogFixture().write("a")
            val begin = whole.store.bytes(1).size
            whole.writeBatch("b", "c", "d")
            val bytes = whole.store.bytes(1)
            for (size in begin..bytes.size) {
                val log = LogFixture(WatchedStore().also { it.replace(1, bytes.copyOf(size)) })
                withClue("$size of ${bytes.size} bytes") {
                    log.records() shouldBe if (size == bytes.size) listOf("a", "b", "c", "d") else listOf("a")
                    log.wal.append("next".toByteArray()) shouldBe log.records().size
                }
            }
        }

        "a batch that was torn is reported, and its LSNs are given again" {
            val log = LogFixture().write("a").writeBatch("b", "c", "d").cut(1).reopen()
            log.report.end() shouldBe RecoveryReport.End.TORN
            log.writeBatch("B", "C").sync().reopen().records() shouldBe listOf("a", "B", "C")
        }

        "a batch whose last record is damaged is not there at all" {
            LogFixture().write("a").writeBatch("b", "c").flipByteOf("c").reopen().records() shouldBe listOf("a")
        }

        "a batch with a record over the limit is refused whole, and takes no LSN" {
            val log = LogFixture(options = SMALL_SEGMENTS.withMaxRecordBytes(100)).write("a").sync()
            val before = log.image()
            shouldThrow<IllegalArgumentException> { log.writeBatch("b", "x".repeat(101), "c") }
            log.image() shouldBe before
            log.wal.append("b".toByteArray()) shouldBe 2
        }

        "a batch over its own limit is refused whole with both numbers" {
            val log = LogFixture(options = SMALL_SEGMENTS.withMaxBatchBytes(100))
            shouldThrow<IllegalArgumentException> { log.writeBatch("a".repeat(30), "b".repeat(30)) }.message shouldBe
                "the batch takes 112 bytes, more than maxBatchBytes 100"
            log.wal.lastLsn() shouldBe 0
        }

        "a batch larger than a segment gets one of its own" {
            val log = LogFixture().write("a").writeBatch(*Array(5) { largeRecord(it + 2L) }).write("z").sync()
            log.wal.segments().map { it.baseLsn to it.lastLsn } shouldBe listOf(1L to 1L, 2L to 6L, 7L to 7L)
            log.reopen().records().size shouldBe 7
        }

        "a batch larger than the buffer is written all the same" {
            val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(1 shl 20).withBufferBytes(4096))
            val records = List(50) { largeRecord(it + 1L) }
            log.writeBatch(*records.toTypedArray()).sync().reopen().records() shouldBe records
        }

        "a batch larger than buffer and segment, cut at any byte, is there whole or not at all" {
            val options = SMALL_SEGMENTS.withBufferBytes(4096)
            val batch = (2L..14L).map(::largeRecord)
            val whole = LogFixture(options = options).writeLarge(1).sync().writeBatch(*batch.toTypedArray())
            val bytes = whole.store.bytes(2)
            for (size in 64..bytes.size step 8) {
                val store = WatchedStore()
                store.replace(1, whole.store.bytes(1))
                store.replace(2, bytes.copyOf(size))
                withClue("$size of ${bytes.size} bytes") {
                    LogFixture(store, options).records().drop(1) shouldBe if (size == bytes.size) batch else emptyList()
                }
            }
        }

        "durability moves to the ends of batches only" {
            val log = LogFixture()
            val seen = ArrayList<Long>()
            log.store.before = { seen += listOf(log.wal.writtenLsn(), log.wal.durableLsn()) }
            log.writeBatch("a", "b", "c").writeBatch("d", "e").sync()
            seen += listOf(log.wal.writtenLsn(), log.wal.durableLsn())
            seen.toSet() shouldBe setOf(0L, 3L, 5L)
        }

        "a batch that a record breaks into is corruption, if it is proven synced" {
            val log = LogFixture().writeBatch("a", "b").sync().write("c").sync().flipByteOf("b")
            shouldThrow<WalCorruptedException> { log.reopen() }.message shouldContain "proves"
        }

        "batches of several threads do not mix" {
            val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(1 shl 20))
            val threads = List(8) { thread ->
                running { repeat(50) { log.writeBatch("$thread.$it.0", "$thread.$it.1", "$thread.$it.2") } }
            }
            threads.forEach { it.result() }
            log.sync().reopen().records().chunked(3).forEach { batch ->
                batch.map { it.substringBeforeLast('.') }.toSet().size shouldBe 1
                batch.map { it.substringAfterLast('.') } shouldBe listOf("0", "1", "2")
            }
        }

        "a batch of a million empty records has its limit checked before anything is put" {
            val log = LogFixture(options = SMALL_SEGMENTS.withMaxBatchBytes(1 shl 20))
            val empty = ByteBuffer.allocate(0)
            shouldThrow<IllegalArgumentException> { log.wal.appendBatch(List(1_000_000) { empty }) }
            log.wal.lastLsn() shouldBe 0
        }
    })
