package dev.kwal

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import java.util.Random

/** A log beside a list that does the same: ten thousand random calls. */
class LogModelSpec :
    StringSpec({
        for (seed in 1L..3L) {
            "a log does what a list does, seed $seed" {
                val log = LogBesideList(seed)
                for (step in 1..10_000) withClue("seed $seed, step $step") { log.step() }
                log.compare()
            }
        }
    })

private class LogBesideList(seed: Long) {
    private val random = Random(seed)
    private val log = LogFixture(options = SMALL_SEGMENTS.withSegmentBytes(4096))
    private val records = ArrayDeque<String>()
    private var firstLsn = 1L
    private var count = 0

    private val lastLsn get() = firstLsn + records.size - 1

    private fun next() = "${++count} ".padEnd(random.nextInt(300), '.')

    fun step() {
        when (random.nextInt(200)) {
            in 0..99 -> append(Durability.entries[random.nextInt(3)])
            in 100..139 -> appendBatch()
            in 140..159 -> log.wal.sync() shouldBe lastLsn
            in 160..164 -> log.rotate()
            in 165..174 -> log.tick()
            in 175..179 -> checkpoint()
            in 180..182 -> truncate()
            in 183..186 -> reopen()
            in 187..189 -> close()
            else -> read()
        }
        log.wal.firstLsn() shouldBe firstLsn
        log.wal.lastLsn() shouldBe lastLsn
    }

    private fun append(level: Durability) {
        val record = next()
        records.add(record)
        log.wal.append(record.toByteArray(), level) shouldBe lastLsn
    }

    private fun appendBatch() {
        val batch = List(random.nextInt(5)) { next() }
        records.addAll(batch)
        log.wal.appendBatch(batch.map { it.toBuffer() }) shouldBe lastLsn
    }

    private fun checkpoint() {
        val dropped = random.nextInt(records.size + 1)
        log.checkpoint(firstLsn + dropped - 1)
        repeat(dropped) { records.removeFirst() }
        firstLsn += dropped
    }

    private fun truncate() {
        val kept = records.size - random.nextInt(minOf(records.size, 20) + 1)
        log.truncateAfter(firstLsn + kept - 1)
        while (records.size > kept) records.removeLast()
    }

    /** The process dies: what was only buffered is lost. */
    private fun reopen() {
        while (lastLsn > log.wal.writtenLsn()) records.removeLast()
        log.reopen()
        compare()
    }

    private fun close() {
        log.close().reopen()
        compare()
    }

    private fun read() {
        if (records.isEmpty()) return
        val offset = random.nextInt(records.size)
        log.wal.read(firstLsn + offset).text() shouldBe records[offset]
    }

    fun compare() {
        log.records() shouldBe records.toList()
    }
}
