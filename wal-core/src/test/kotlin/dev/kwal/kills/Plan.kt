package dev.kwal.kills

import dev.kwal.Durability
import dev.kwal.WalOptions
import dev.kwal.storage.FileStore
import java.nio.file.Path
import java.time.Duration
import kotlin.random.Random

/** What one process does and where it is killed: the same wherever it is computed from the same seed and round. */
class Plan(private val seed: Long, val round: Int) {
    private val random = Random(seed * 1_000_003 + round)

    val options: WalOptions = WalOptions.DEFAULT
        .withSegmentBytes(random.among(2 shl 10, 8 shl 10, 32 shl 10).toLong())
        .withBufferBytes(random.among(4 shl 10, 16 shl 10))
        .withFlushInterval(Duration.ofMillis(random.among(1, 10, 100).toLong()))

    private val recycling = random.nextInt(3)
    private val preallocates = random.nextBoolean()
    val workers = 2 + random.nextInt(5)

    /** After so many acknowledgements the process is killed, or begins to close the log. */
    val acknowledgements = 1 + random.nextInt(300)

    val stop: Stop? = when (random.nextInt(10)) {
        in 0..4 -> null
        in 5..6 -> Stop(Phase.OPENING, "", 1 + random.nextInt(12))
        7 -> Stop(Phase.RUNNING, listOf("create", "delete", "append", "sync").random(random), 1 + random.nextInt(6))
        else -> Stop(Phase.CLOSING, "", 1 + random.nextInt(24))
    }

    /** Whether it gives a suffix up when it has opened the log. */
    val cuts = random.nextInt(5) == 0

    fun store(directory: Path) =
        FileStore.of(directory).withRecycling(recycling).withPreallocation(preallocates).withReserveBytes(4 shl 10)

    /** What a worker does, one after the other, without an end. */
    fun steps(worker: Int): Sequence<Step> = sequence {
        val random = Random((seed * 1_000_003 + round) * 31 + worker)
        for (number in 0..Int.MAX_VALUE) {
            val kind = when (random.nextInt(100)) {
                0 -> Step.Kind.ROTATE
                in 1..2 -> Step.Kind.CHECKPOINT
                in 3..6 -> Step.Kind.SYNC
                in 7..16 -> Step.Kind.TICKET
                else -> Step.Kind.APPEND
            }
            val count = if (random.nextInt(4) == 0) 1 + random.nextInt(5) else 1
            val level = Durability.entries.random(random)
            yield(Step(kind, level, List(count) { Stamp(round, worker, number, it, count) }))
        }
    }

    override fun toString() = "$workers workers, $acknowledgements acknowledgements, ${stop ?: "killed in full flight"}"

    private fun Random.among(vararg values: Int) = values.random(this)
}

enum class Phase { OPENING, RUNNING, CLOSING }

/** Before the [nth] call to the store in a phase whose name begins so, somebody waits to be killed. */
data class Stop(val phase: Phase, val call: String, val nth: Int)

/** One thing that a worker does. */
class Step(val kind: Kind, val level: Durability, val stamps: List<Stamp>) {
    enum class Kind { APPEND, TICKET, SYNC, ROTATE, CHECKPOINT }
}
