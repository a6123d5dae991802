package dev.kwal

import dev.kwal.storage.MemorySnapshotStore
import dev.kwal.storage.SnapshotStore
import java.io.InputStream
import java.nio.file.NoSuchFileException

/** A log whose state is all its records, one below the other, and its snapshots. */
internal class SnapshotFixture(val log: LogFixture = LogFixture(), val keep: Int = 2) {
    val store = WatchedSnapshots()

    val snapshots: Snapshots get() = Snapshots.of(log.wal, store, keep)

    /** Writes so many large records, two to a segment. */
    fun write(count: Int) = apply { log.writeLarge(count) }

    /** Publishes the state after the last record, or after another one. */
    fun publish(lsn: Long = log.wal.lastLsn()): Snapshot =
        snapshots.publish(lsn) { it.write(stateAfter(lsn).toByteArray()) }

    fun recover(change: (SnapshotRecovery) -> SnapshotRecovery = { it }): SnapshotRecovery.Recovered<String> =
        change(snapshots.recovery()).recoverText()
}

internal fun stateAfter(lsn: Long): String = (1..lsn).joinToString("") { "${largeRecord(it)}\n" }

internal fun SnapshotRecovery.recoverText(): SnapshotRecovery.Recovered<String> = run(
    { "" },
    { it.readBytes().decodeToString() },
    { state, _, record -> state + Charsets.UTF_8.decode(record) + "\n" },
)

/** Writes down what is asked of it in [calls], and lets tests damage what it holds. */
internal class WatchedSnapshots(val medium: MemorySnapshotStore = MemorySnapshotStore()) : SnapshotStore {
    val calls = ArrayList<String>()
    var before: (call: String) -> Unit = {}

    override fun snapshots(): LongArray = medium.snapshots()

    override fun create(sequence: Long, content: SnapshotStore.Content) {
        before("create $sequence")
        medium.create(sequence, content)
        calls.add("create $sequence")
    }

    override fun open(sequence: Long): InputStream {
        before("open $sequence")
        return medium.open(sequence)
    }

    override fun delete(sequence: Long) {
        before("delete $sequence")
        medium.delete(sequence)
        calls.add("delete $sequence")
    }

    override fun toString() = "snapshots"

    fun bytes(sequence: Long): ByteArray = medium.open(sequence).use { it.readBytes() }

    /** Replaces a snapshot behind everybody's back. */
    fun edit(sequence: Long, change: (ByteArray) -> ByteArray) {
        val bytes = change(bytes(sequence))
        medium.delete(sequence)
        medium.create(sequence) { it.write(bytes) }
    }

    fun flip(sequence: Long, position: Int, bit: Int = 0) =
        edit(sequence) { bytes -> bytes.also { it[position] = (it[position].toInt() xor (1 shl bit)).toByte() } }

    fun lose(sequence: Long) {
        if (sequence !in medium.snapshots()) throw NoSuchFileException("snapshot $sequence")
        medium.delete(sequence)
    }
}
