package dev.kwal

import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import java.nio.file.FileAlreadyExistsException

class SalvageSpec :
    StringSpec({
        "of a log that can be opened comes what opening finds" {
            for (make in SweptLog.all) {
                val log = make()
                val salvage = salvageOf(log.image.store())
                withClue(log.name) {
                    salvage.lines() shouldBe log.contents
                    salvage.damages().shouldBeEmpty()
                    salvage.gaps().shouldBeEmpty()
                }
            }
        }

        "an open log is salvaged as a crash would leave it" {
            val log = LogFixture().write("a", "b").sync().write("c").buffer("d")
            salvageOf(log.store).lines() shouldBe listOf("1 a", "2 b", "3 c")
        }

        "a damaged record is lost, and those around it are not" {
            val log = LogFixture().write("a", "b", "c").rotate().write("d").close()
            log.flipByteOf("b")
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("1 a", "3 c", "4 d")
            salvage.gaps() shouldBe listOf(WalSalvage.Gap(2, 2))
            salvage.damages() shouldBe listOf(WalSalvage.Damage(1, 184, 32, "the checksum is wrong"))
            salvage.runs() shouldBe listOf(
                WalSalvage.Run(1, 1, 1, true),
                WalSalvage.Run(1, 3, 3, true),
                WalSalvage.Run(2, 4, 4, true),
            )
        }

        "a length that is damaged hides nothing behind it" {
            val log = LogFixture().write("a", "b", "c").rotate().close()
            log.edit(1) { bytes -> bytes.also { it[184] = 96 } }
            salvageOf(log.store).lines() shouldBe listOf("1 a", "3 c")
        }

        "zeros in the middle end nothing" {
            val log = LogFixture().write("a", "b", "c").rotate().close()
            log.edit(1) { bytes -> bytes.also { it.fill(0, 184, 216) } }
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("1 a", "3 c")
            salvage.damages() shouldBe listOf(WalSalvage.Damage(1, 184, 32, "zeros"))
        }

        "a segment whose header is damaged is lost, and it alone" {
            val log = LogFixture().write("a").rotate().write("b", "c").rotate().write("d").close()
            log.flip(2, 50)
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("1 a", "4 d")
            salvage.gaps() shouldBe listOf(WalSalvage.Gap(2, 3))
            salvage.damages().single().what() shouldBe "the header is damaged"
            // The epoch before and behind it is the same, so nothing was given up in between.
            salvage.runs().all { it.certain() } shouldBe true
        }

        "a missing segment is a gap" {
            val log = LogFixture().write("a").rotate().write("b", "c").rotate().write("d").close()
            log.store.delete(2)
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("1 a", "4 d")
            salvage.damages() shouldBe listOf(WalSalvage.Damage(2, 0, 0, "missing, segment 3 follows it"))
        }

        "a damaged OPEN frame costs no record" {
            val log = LogFixture().write("a").rotate().write("b", "c").rotate().write("d").close()
            log.flip(2, 100)
            salvageOf(log.store).lines() shouldBe listOf("1 a", "2 b", "3 c", "4 d")
        }

        "a segment that is cut off has what is before the cut" {
            val log = LogFixture().write("a", "b").rotate().write("c").close()
            log.edit(1) { it.copyOf(190) }
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("1 a", "3 c")
            salvage.damages().map { it.what() } shouldBe listOf("a few stray bytes", "cut off")
        }

        "what a checkpoint dropped does not come back" {
            val log = LogFixture().write("a", "b").checkpoint(1).write("c").rotate().write("d").close()
            log.flipByteOf("c")
            salvageOf(log.store).lines() shouldBe listOf("2 b", "4 d")
        }

        "what a truncation gave up does not come back" {
            val log = LogFixture().write("a", "old").truncateAfter(1).write("b", "c").rotate().write("d").close()
            log.flipByteOf("b")
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("1 a", "3 c", "4 d")
            salvage.gaps() shouldBe listOf(WalSalvage.Gap(2, 2))
        }

        "what a truncation that is lost may have given up is marked" {
            val log = LogFixture().write("a", "old").truncateAfter(1).write("b").rotate().write("c").close()
            log.flip(2, 50)
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("1 a", "2 old", "3 c")
            salvage.runs().map { it.certain() } shouldBe listOf(false, true)
        }

        "behind damage, too, a torn end is cut as recovery cuts it" {
            val log = LogFixture().write("a").rotate().write("b").sync().write("c", "d", "e").kill()
            log.flipByteOf("a").flipByteOf("d")
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("2 b", "3 c")
            salvage.gaps() shouldBe listOf(WalSalvage.Gap(1, 1))
        }

        "a batch without its end is left out behind damage, too" {
            val log = LogFixture().write("a").rotate().write("b").sync().writeBatch("c", "d").kill()
            log.flipByteOf("a").flipByteOf("d")
            salvageOf(log.store).lines() shouldBe listOf("2 b")
        }

        "of a batch that is damaged comes what is intact" {
            val log = LogFixture().writeBatch("a", "b", "c").write("d").sync().close()
            log.flipByteOf("b")
            salvageOf(log.store).lines() shouldBe listOf("1 a", "3 c", "4 d")
        }

        "records that are known to have been there are lost even if nothing stands behind them" {
            val log = LogFixture().write("a").sync().write("b").sync().write("c", "d").sync().close()
            log.flipByteOf("d").flipByteOf("c")
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("1 a", "2 b")
            salvage.gaps() shouldBe listOf(WalSalvage.Gap(3, 4))
            salvage.lastLsn() shouldBe 4
        }

        "a segment of another log is told apart" {
            val log = LogFixture().write("a").rotate().write("b").rotate().write("c").close()
            val other = LogFixture().write("x").rotate().write("y").close()
            log.edit(2) { other.store.bytes(2) }
            val salvage = salvageOf(log.store)
            salvage.lines() shouldBe listOf("1 a", "3 c")
            salvage.logId() shouldBe log.wal.logId()
            salvage.damages().single().what() shouldBe "belongs to another log"
        }

        "in an empty store there is nothing, and nothing is lost" {
            val salvage = salvageOf(MemoryStore(StoreCapabilities.DURABLE))
            salvage.lines().shouldBeEmpty()
            salvage.gaps().shouldBeEmpty()
            salvage.logId() shouldBe null
            salvage.lastLsn() shouldBe 0
        }

        "a new log begins where it is told to, and is a log like any other" {
            val store = MemoryStore(StoreCapabilities.DURABLE)
            WalSalvage.newLog(store, SMALL_SEGMENTS, 1000).use { it.appendAndSync("a".toByteArray()) shouldBe 1000 }
            val log = LogFixture(store)
            log.write("b").records() shouldBe listOf("a", "b")
            log.wal.firstLsn() shouldBe 1000
            log.close().reopen { it.withVerifyOnOpen(true) }.records() shouldBe listOf("a", "b")
            log.kill()
            shouldThrow<FileAlreadyExistsException> { WalSalvage.newLog(store, SMALL_SEGMENTS, 1) }
            log.reopen().records() shouldBe listOf("a", "b")
        }

        "whatever is damaged, what is certain is what was appended, and little is lost" {
            var count = 0
            for (make in SweptLog.all) {
                val log = make()
                for (damage in log.damages(listOf(SweptLog("foreign") { append(9).close() }))) {
                    if (damage.isForReaders && count++ % EVERY_NTH == 0) {
                        withClue("${log.name}, $damage") { check(log, damage) }
                    }
                }
            }
            count shouldBeGreaterThan 10_000
        }
    })

private const val EVERY_NTH = 5

private fun salvageOf(store: WalStore): WalSalvage = WalSalvage.of(store, SMALL_SEGMENTS)

/** LSN and text of everything that is delivered. */
private fun WalSalvage.lines(): List<String> = cursor().use { cursor ->
    buildList { while (cursor.next()) add("${cursor.lsn()} ${cursor.record().text()}") }
}

private fun check(log: SweptLog, damage: Damage) {
    val salvage = salvageOf(damage.image.store())
    val found = salvage.lines()
    val uncertain = salvage.runs().filterNot { it.certain() }.flatMap { it.firstLsn()..it.lastLsn() }
    found.map(::lsnOf) shouldBe salvage.runs().flatMap { it.firstLsn()..it.lastLsn() }
    found.map(::lsnOf) shouldBe found.map(::lsnOf).distinct().sorted()
    // Where whole files came from elsewhere, nobody can say what the log is.
    if (damage.segment == 0L) return
    found.filterNot { lsnOf(it) in uncertain || it in everSaid(log, damage) }.shouldBeEmpty()
    if (damage.what.startsWith("bit ") && damage.segment != log.newest) {
        val position = damage.what.split(' ')[1].toInt() / 8
        val lost = log.contents.map(::lsnOf) - found.map(::lsnOf).toSet()
        if (position < Format.HEADER_BYTES) {
            (lost - lsnsOf(log, damage.segment)).shouldBeEmpty()
        } else {
            lost.size shouldBeLessThanOrEqual 1
        }
    }
}

private fun lsnOf(line: String): Long = line.substringBefore(' ').toLong()

private fun lsnsOf(log: SweptLog, sequence: Long): Set<Long> =
    log.frames.getValue(sequence).filter { it.isRecord }.map { it.lsn }.toSet()

/** A log that lost its newest segment, or the end of it, was such a log once. */
private fun everSaid(log: SweptLog, damage: Damage): Set<String> =
    if (damage.segment == log.newest) log.states.flatten().toSet() else log.contents.toSet()
