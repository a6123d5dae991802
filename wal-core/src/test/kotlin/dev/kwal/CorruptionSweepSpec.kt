package dev.kwal

import com.sun.management.ThreadMXBean
import dev.kwal.storage.SegmentReader
import dev.kwal.storage.WalStore
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer

private val OPTIONS = SMALL_SEGMENTS.withBufferBytes(4096)
private const val MAX_ALLOCATED_BYTES = 8L shl 20
private const val MAX_READ_BYTES = 16L shl 20
private const val LEAST_DAMAGES = 100_000L

private val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean

/** Damages each log in each way, prints what broke a promise, and last a line that counts. */
internal object SweepingProcess {
    private val counts = sortedMapOf<String, Long>()
    private var failures = 0

    @JvmStatic
    fun main(arguments: Array<String>) {
        val names = arguments.firstOrNull().orEmpty()
        val foreign = listOf(SweptLog("foreign") { append(9).close() }, SweptLog("foreign") { append(1).close() })
        for (make in SweptLog.all) {
            val log = make()
            if (names in log.name) sweep(log, foreign)
        }
        println(
            "${counts.values.sum()} damages: ${counts.map { (outcome, count) ->
                "$count $outcome"
            }.joinToString()}",
        )
    }

    private fun sweep(log: SweptLog, foreign: List<SweptLog>) {
        count(log, Damage("nothing", log.image))
        for (damage in log.damages(foreign)) count(log, damage)
    }

    @Suppress("TooGenericExceptionCaught") // Whatever comes is told with the damage that brought it.
    private fun count(log: SweptLog, damage: Damage) {
        val outcome = try {
            SweptStore(log, damage).outcome()
        } catch (t: Throwable) {
            if (failures++ < MAX_TOLD) println("BROKEN ${log.name}, $damage: $t")
            "broken"
        }
        counts.merge(outcome, 1, Long::plus)
    }

    private const val MAX_TOLD = 20
}

/** The damaged files, and all that can be done to read them. */
private class SweptStore(private val log: SweptLog, private val damage: Damage) {
    private val store = BoundedStore(damage.image.store())

    /** In a word; throws if a promise is broken. */
    fun outcome(): String {
        val allocated = threads.currentThreadAllocatedBytes
        val oracle = SweepOracle(log, damage)
        val reader = if (damage.isForReaders) read() else null
        val owner = outcomeOf { LocalWal.open(store, OPTIONS, ManualExecutor()) }
        if (owner.end == null) checkUnchanged()
        oracle.judge(owner)
        if (reader != null) oracle.judge(reader, owner)
        if (owner.refusal == null) checkStays(owner)
        val bytes = threads.currentThreadAllocatedBytes - allocated
        check(bytes < MAX_ALLOCATED_BYTES) { "$bytes bytes allocated" }
        return when {
            owner.refusal != null -> if (owner.end == null) "refused" else "refused when read"
            owner.contents == log.contents -> "complete"
            owner.end == RecoveryReport.End.TORN -> "torn"
            else -> "ended earlier"
        }
    }

    /** Readers change nothing; one that verifies meets damage when it opens, or never. */
    private fun read(): Outcome {
        val reader = outcomeOf { Wal.openReadOnly(store, OPTIONS) }
        val verified = outcomeOf { Wal.openReadOnly(store, OPTIONS.withVerifyOnOpen(true)) }
        check(verified.refusal == null || verified.end == null) { "verified, and then $verified" }
        check(reader.refusal == null || verified.refusal != null) { "$reader, verified $verified" }
        checkUnchanged()
        return reader
    }

    /** What recovery delivered, the next one delivers. */
    private fun checkStays(owner: Outcome) {
        if (owner.end == RecoveryReport.End.CLEAN) return
        val again = outcomeOf { LocalWal.open(store, OPTIONS, ManualExecutor()) }
        check(again.contents == owner.contents) { "$owner, and then $again" }
        check(again.end == RecoveryReport.End.CLEAN || again.contents.isEmpty()) { "$owner, and then $again" }
    }

    private fun checkUnchanged() {
        check(store.segments().size == damage.image.size && store.image().hasBytesOf(damage.image)) { "files changed" }
    }

    private fun outcomeOf(open: () -> WalReader): Outcome {
        val contents = mutableListOf<String>()
        var end: RecoveryReport.End? = null
        var lastLsn = 0L
        fun refused(why: WalException) = Outcome(contents, end, why, lastLsn)
        try {
            open().use { wal ->
                end = wal.recovery().end()
                lastLsn = wal.lastLsn()
                wal.replay(0).use { while (it.next()) contents += "${it.lsn()} ${it.record().text()}" }
            }
        } catch (e: WalCorruptedException) {
            return refused(e)
        } catch (e: WalFormatException) {
            return refused(e)
        }
        return Outcome(contents, end, null, lastLsn)
    }
}

/** Gives no more bytes than a reading that ends can want. */
private class BoundedStore(private val medium: WalStore) : WalStore by medium {
    private var readBytes = 0L

    override fun open(sequence: Long): SegmentReader {
        val reader = medium.open(sequence)
        return object : SegmentReader by reader {
            override fun read(position: Long, target: ByteBuffer): Int = reader.read(position, target).also {
                readBytes += it + 1
                check(readBytes < MAX_READ_BYTES) { "reads without end" }
            }
        }
    }
}

/** Whatever becomes of the files of a closed log: all is there, or it is told; see [SweepOracle]. */
class CorruptionSweepSpec :
    StringSpec({
        "whatever is damaged in a closed log, in 32 MiB of heap: nothing is lost silently" {
            val filter = listOf(System.getProperty("sweep.logs", ""))
            ForkedJvm(SweepingProcess::class.java.name, listOf("-Xmx32m"), filter).use { child ->
                val lines = child.output.readLines()
                println("corruption sweep: ${lines.lastOrNull()}")
                withClue(lines.joinToString("\n")) {
                    child.waitFor() shouldBe 0
                    lines.size shouldBe 1
                    if (filter.single().isEmpty()) {
                        lines.single().substringBefore(' ').toLong() shouldBeGreaterThan LEAST_DAMAGES
                    }
                }
            }
        }
    })
