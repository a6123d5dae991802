package dev.kwal

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import java.nio.file.Path
import kotlin.random.Random

private const val ROUNDS = 12
private const val THREADS = 4

/** Threads that append until somebody kills them, and print each LSN once it is acknowledged. */
internal object AppendingProcess {
    /** What record [lsn] of a log with seed [seed] holds cannot be known before it is appended, so it names thread and number. */
    fun record(
        seed: Int,
        thread: Int,
        number: Int,
    ): ByteArray = "$seed/$thread/$number/".plus("x".repeat(Random(seed * 31 + number).nextInt(400))).toByteArray()

    @JvmStatic
    fun main(arguments: Array<String>) {
        val wal = Wal.open(Path.of(arguments[0]), killOptions)
        val seed = arguments[1].toInt()
        repeat(THREADS) { thread -> Thread { append(wal, seed, thread) }.start() }
    }

    private fun append(
        wal: Wal,
        seed: Int,
        thread: Int,
    ) {
        val random = Random(seed * 31 + thread)
        for (number in 0..Int.MAX_VALUE) {
            val level = if (random.nextBoolean()) Durability.SYNCED else Durability.WRITTEN
            val lsn = wal.append(record(seed, thread, number), level)
            synchronized(this) {
                println("$lsn $seed/$thread/$number/")
            }
            when (random.nextInt(200)) {
                0 -> wal.rotate()
                1 -> wal.checkpoint(maxOf(0, lsn - 500))
            }
        }
    }
}

private val killOptions = WalOptions.DEFAULT.withSegmentBytes(64 shl 10)

class KilledProcessSpec :
    StringSpec({
        "a process that is killed again and again loses nothing that it acknowledged" {
            val directory = tempdir().toPath().resolve("log")
            val acknowledged = sortedMapOf<Long, String>()
            val seeds = Random.nextInt(1 shl 20)
            withClue("first seed $seeds") {
                repeat(ROUNDS) { round -> killOnce(directory, seeds + round, acknowledged) }
            }
        }
    })

private fun killOnce(
    directory: Path,
    seed: Int,
    acknowledged: MutableMap<Long, String>,
) {
    val printed = mutableListOf<String>()
    ForkedJvm(
        AppendingProcess::class.java.name,
        listOf("-Xmx128m"),
        listOf(directory.toString(), "$seed"),
    ).use { child ->
        repeat(200 + Random(seed).nextInt(300)) { printed += checkNotNull(child.output.readLine()) }
        printed += child.kill().filter { it.isNotEmpty() }
    }
    printed.associateTo(acknowledged) { line -> line.substringBefore(' ').toLong() to line.substringAfter(' ') }
    Wal.open(directory, killOptions).use { wal ->
        wal.recovery().end() shouldBeIn listOf(RecoveryReport.End.UNCLOSED, RecoveryReport.End.TORN)
        wal.lastLsn() shouldBeGreaterThanOrEqual acknowledged.keys.max()
        var lsn = wal.firstLsn()
        wal.replay(0).use { cursor ->
            while (cursor.next()) {
                cursor.lsn() shouldBe lsn
                val name = String(cursor.record().toByteArray()).trimEnd('x')
                acknowledged[lsn]?.let { name shouldBe it }
                lsn++
            }
        }
        lsn shouldBe wal.lastLsn() + 1
    }
}
