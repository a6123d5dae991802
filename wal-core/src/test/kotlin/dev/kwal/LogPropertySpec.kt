package dev.kwal

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.byte
import io.kotest.property.arbitrary.byteArray
import io.kotest.property.arbitrary.choice
import io.kotest.property.arbitrary.int
import io.kotest.property.arbitrary.list
import io.kotest.property.arbitrary.long
import io.kotest.property.checkAll
import java.util.Random

private val bytes = Arb.byteArray(Arb.choice(Arb.int(0..40), Arb.int(0..3000)), Arb.byte())
private val payloads = Arb.list(bytes, 0..60)
private val segmentSizes = Arb.long(1024L..20_000L)

private fun LogFixture.payloads(): List<List<Byte>> =
    wal.replay(0).use { cursor -> buildList { while (cursor.next()) add(cursor.record().toByteArray().toList()) } }

/** What holds for any records and any sizes. */
class LogPropertySpec :
    StringSpec({
        "any records in segments of any size come back after a close and after a kill" {
            checkAll(300, payloads, segmentSizes, segmentSizes) { records, size, otherSize ->
                val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(size))
                records.forEach { log.wal.append(it) }
                log.reopen { it.withSegmentBytes(otherSize) }
                log.payloads() shouldBe records.map { it.toList() }
                log.close().reopen().payloads() shouldBe records.map { it.toList() }
            }
        }

        "a tail cut anywhere is a prefix, and the log goes on" {
            checkAll(300, payloads, segmentSizes, Arb.int(0..5000)) { records, size, cut ->
                val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(size))
                records.forEach { log.wal.append(it) }
                log.sequences().lastOrNull()?.let { last ->
                    log.edit(last) { it.copyOf(maxOf(0, it.size - cut)) }
                }
                log.reopen()
                val back = log.payloads()
                back shouldBe records.take(back.size).map { it.toList() }
                log.wal.append(ByteArray(0)) shouldBe back.size + 1
            }
        }

        "garbage behind any log is cut away" {
            checkAll(200, payloads, bytes) { records, garbage ->
                val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(1 shl 20))
                records.forEach { log.wal.append(it) }
                if (records.isNotEmpty()) log.stain(garbage)
                log.reopen().payloads() shouldBe records.map { it.toList() }
            }
        }

        "arbitrary bytes in the place of a segment are refused or empty, and never take memory or time" {
            checkAll(300, bytes) { garbage ->
                val store = WatchedStore().also { it.replace(1, garbage) }
                runCatching { LogFixture(store) }
                    .onSuccess { it.records() shouldBe emptyList() }
                    .onFailure { error ->
                        (error is WalException) shouldBe true
                        store.bytes(1).toList() shouldBe garbage.toList()
                    }
            }
        }

        "any damage to a log is an error or a prefix, and never a record that was not appended" {
            checkAll(500, Arb.int(1..30), Arb.long()) { count, seed ->
                val random = Random(seed)
                val log = LogFixture()
                repeat(count) {
                    log.write("record $it ".repeat(random.nextInt(30)))
                    if (random.nextInt(4) == 0) log.sync()
                }
                val written = log.records()
                val sequence = log.sequences().random(kotlin.random.Random(seed))
                log.edit(sequence) {
                    it.also { bytes -> bytes[random.nextInt(bytes.size)] = random.nextInt().toByte() }
                }
                runCatching { log.reopen().records() }
                    .onSuccess { it shouldBe written.take(it.size) }
                    .onFailure { (it is WalException) shouldBe true }
            }
        }

        "a prefix dropped anywhere leaves everything behind it, with its LSNs" {
            checkAll(200, payloads, segmentSizes, Arb.int(0..60)) { records, size, cut ->
                val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(size))
                records.forEach { log.wal.append(it) }
                val dropped = minOf(cut, records.size)
                log.checkpoint(dropped.toLong()).reopen()
                log.wal.firstLsn() shouldBe dropped + 1
                log.payloads() shouldBe records.drop(dropped).map { it.toList() }
            }
        }
    })
