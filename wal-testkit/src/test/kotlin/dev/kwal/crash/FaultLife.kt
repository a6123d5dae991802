package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalCorruptedException
import dev.kwal.WalFailedException
import dev.kwal.WalFormatException
import dev.kwal.WalNoSpaceException
import dev.kwal.WalState
import dev.kwal.openWithBackground
import dev.kwal.testkit.CallWatcher
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.DiskFailure
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.file.Path
import java.util.Random

/** One way in which a call of a disk fails: each call with each errno that a file system has for it. */
internal enum class Fault(val call: DiskCall, val failure: DiskFailure) {
    WRITE_IO(DiskCall.WRITE, DiskFailure.IO),
    WRITE_NO_SPACE(DiskCall.WRITE, DiskFailure.NO_SPACE),
    WRITE_QUOTA(DiskCall.WRITE, DiskFailure.QUOTA),
    SYNC_IO(DiskCall.SYNC, DiskFailure.IO),
    SYNC_NO_SPACE(DiskCall.SYNC, DiskFailure.NO_SPACE),
    SYNC_QUOTA(DiskCall.SYNC, DiskFailure.QUOTA),
    CREATE_IO(DiskCall.CREATE, DiskFailure.IO),
    CREATE_NO_SPACE(DiskCall.CREATE, DiskFailure.NO_SPACE),
    CREATE_QUOTA(DiskCall.CREATE, DiskFailure.QUOTA),
    CREATE_TOO_MANY_FILES(DiskCall.CREATE, DiskFailure.TOO_MANY_FILES),
    CREATE_ACCESS_DENIED(DiskCall.CREATE, DiskFailure.ACCESS_DENIED),
    OPEN_IO(DiskCall.OPEN, DiskFailure.IO),
    OPEN_TOO_MANY_FILES(DiskCall.OPEN, DiskFailure.TOO_MANY_FILES),
    OPEN_ACCESS_DENIED(DiskCall.OPEN, DiskFailure.ACCESS_DENIED),
    RENAME_IO(DiskCall.RENAME, DiskFailure.IO),
    RENAME_NO_SPACE(DiskCall.RENAME, DiskFailure.NO_SPACE),
    RENAME_QUOTA(DiskCall.RENAME, DiskFailure.QUOTA),
    RENAME_ACCESS_DENIED(DiskCall.RENAME, DiskFailure.ACCESS_DENIED),
    DELETE_IO(DiskCall.DELETE, DiskFailure.IO),
    DELETE_ACCESS_DENIED(DiskCall.DELETE, DiskFailure.ACCESS_DENIED),
    TRUNCATE_IO(DiskCall.TRUNCATE, DiskFailure.IO),
    TRUNCATE_NO_SPACE(DiskCall.TRUNCATE, DiskFailure.NO_SPACE),
    TRUNCATE_QUOTA(DiskCall.TRUNCATE, DiskFailure.QUOTA),
    READ_IO(DiskCall.READ, DiskFailure.IO),
    SIZE_IO(DiskCall.SIZE, DiskFailure.IO),
    CLOSE_IO(DiskCall.CLOSE, DiskFailure.IO),
    CLOSE_NO_SPACE(DiskCall.CLOSE, DiskFailure.NO_SPACE),
    CLOSE_QUOTA(DiskCall.CLOSE, DiskFailure.QUOTA),
    LIST_IO(DiskCall.LIST, DiskFailure.IO),
    LIST_TOO_MANY_FILES(DiskCall.LIST, DiskFailure.TOO_MANY_FILES),
    LIST_ACCESS_DENIED(DiskCall.LIST, DiskFailure.ACCESS_DENIED),
    KIND_IO(DiskCall.KIND, DiskFailure.IO),
    KIND_ACCESS_DENIED(DiskCall.KIND, DiskFailure.ACCESS_DENIED),
    CREATE_DIRECTORY_IO(DiskCall.CREATE_DIRECTORY, DiskFailure.IO),
    CREATE_DIRECTORY_NO_SPACE(DiskCall.CREATE_DIRECTORY, DiskFailure.NO_SPACE),
    CREATE_DIRECTORY_QUOTA(DiskCall.CREATE_DIRECTORY, DiskFailure.QUOTA),
    CREATE_DIRECTORY_ACCESS_DENIED(DiskCall.CREATE_DIRECTORY, DiskFailure.ACCESS_DENIED),
    SYNC_DIRECTORY_IO(DiskCall.SYNC_DIRECTORY, DiskFailure.IO),
    SYNC_DIRECTORY_NO_SPACE(DiskCall.SYNC_DIRECTORY, DiskFailure.NO_SPACE),
    SYNC_DIRECTORY_QUOTA(DiskCall.SYNC_DIRECTORY, DiskFailure.QUOTA),
    LOCK_IO(DiskCall.LOCK, DiskFailure.IO),
    LOCK_NO_SPACE(DiskCall.LOCK, DiskFailure.NO_SPACE),
    LOCK_QUOTA(DiskCall.LOCK, DiskFailure.QUOTA),
    LOCK_TOO_MANY_FILES(DiskCall.LOCK, DiskFailure.TOO_MANY_FILES),
    LOCK_ACCESS_DENIED(DiskCall.LOCK, DiskFailure.ACCESS_DENIED),

    /** Nothing is wrong with a transfer that is short: nobody may notice. */
    WRITE_SHORT(DiskCall.WRITE, DiskFailure.IO),
    READ_SHORT(DiskCall.READ, DiskFailure.IO),

    /** A write is done in part, and the writes after it fail. */
    WRITE_CUT(DiskCall.WRITE, DiskFailure.IO),

    /** The disk is full at some byte, so that a write is done in part, and stays so for some calls. */
    FULL(DiskCall.WRITE, DiskFailure.NO_SPACE),

    /** Some of a few calls of any kind that changes something. */
    STORM(DiskCall.WRITE, DiskFailure.IO),
}

private typealias Step = (Wal) -> Any?

/**
 * A log's life by one script, in which the [at]-th call of a kind, and as many after it as told, fail.
 *
 * A log that failed is closed and opened again, and the script goes on. What every crash after the failure leaves is checked
 * against what was acknowledged.
 */
internal class FaultLife(
    private val shape: Shape,
    private val fault: Fault,
    private val at: Int,
    private val times: Int,
    private val recovery: Recovery,
) {
    private val oracle = Oracle()
    private val caller = Caller(oracle, Random(at.toLong()), shape)
    private var disk = shape.disk(at.toLong())
    private var callsBefore = 0
    private var crashes = 0L
    private var transfers = 0
    private var shortTransfers = 0
    private val failures = ArrayList<IOException>()
    private val failedPaths = ArrayList<Path>()
    private var background = HandExecutor()
    private var wal: Wal? = null
    private var where = ""

    /** Whether the fault struck, so that there may be a later one. */
    fun run(): Boolean {
        plan()
        try {
            script().forEachIndexed { index, step -> take(index, step) }
            ended()
        } catch (e: Throwable) {
            throw BrokenPromise(
                "$fault at call $at, $times times, $where, failed $failedPaths, $shape: ${e.message}",
                e,
            )
        }
        return failures.isNotEmpty() || shortTransfers > 0
    }

    private fun script(): List<Step> {
        val appends = listOf<Step>(
            { caller.appendWaiting(it, Durability.WRITTEN) },
            { caller.appendBatch(it, Durability.SYNCED) },
            { caller.tryAppend(it) },
            { caller.appendAsync(it, Durability.SYNCED) },
            { background.runQueued() },
            { caller.appendBatch(it, Durability.BUFFERED) },
            { caller.appendAsync(it, Durability.WRITTEN) },
            { caller.appendWaiting(it, Durability.SYNCED) },
            { background.runQueued() },
            { caller.sync(it) },
        )
        val read: Step = { log -> log.replay(0).use { while (it.next()) it.length() } }
        val rotate: Step = { caller.rotate(it) }
        val checkpointHalf: Step = { caller.checkpoint(it, it.lastLsn() / 2) }
        val checkpointAll: Step = { caller.checkpoint(it, it.lastLsn()) }
        val truncate: Step = { truncateToThird(it) }
        val close: Step = { close() }
        val kill: Step = { kill() }
        return appends + appends + read + rotate + appends + checkpointHalf + appends + truncate + close +
            appends + checkpointAll + appends + kill + appends + truncate + rotate + appends + read + close + appends
    }

    private fun truncateToThird(log: Wal) {
        val lsn = log.firstLsn() - 1 + (log.lastLsn() - log.firstLsn() + 1) * 2 / 3
        if (lsn < log.lastLsn()) caller.truncateAfter(log, lsn)
    }

    private fun take(index: Int, step: Step) {
        where = "step $index"
        val log = wal ?: open()
        val before = failures.size
        val shortBefore = shortTransfers
        try {
            step(log)
            if (log.state() != WalState.CLOSED) caller.look(log)
        } catch (e: IOException) {
            expect(failures.isNotEmpty()) { "$e without a fault" }
            judge(log, e)
        }
        if (log.state() == WalState.FAILED) {
            expectFailStop(log)
            crash("$where, failed")
            close()
        } else if (failures.size > before) {
            expect(log.state() == WalState.CLOSED || !isLogSync(before)) {
                "the log goes on after a failed sync of it"
            }
            crash(where)
        } else if (shortTransfers > shortBefore) {
            crash("$where, after a short transfer")
        }
    }

    private fun isLogSync(index: Int): Boolean =
        fault.call == DiskCall.SYNC && "${failedPaths[index]}".endsWith(".wal")

    private fun judge(log: Wal, e: IOException) {
        expect(e !is WalCorruptedException && e !is WalFormatException) { "a false alarm: $e" }
        if (e is WalFailedException) {
            expect(log.state() == WalState.FAILED) { "state ${log.state()} after $e" }
            expectCause(e)
        } else if (e is WalNoSpaceException) {
            expect(log.state() == WalState.NO_SPACE) { "state ${log.state()} after $e" }
        }
    }

    private fun expectCause(e: Throwable) {
        val causes = generateSequence(e) { it.cause }
        expect(causes.any { it in failures || (fault == Fault.FULL && "No space" in "${it.message}") }) {
            "$e does not have the original cause"
        }
    }

    /** Everybody hears of the failure, and nothing is acknowledged any more. */
    private fun expectFailStop(log: Wal) {
        val durableLsn = log.durableLsn()
        val record = ByteBuffer.allocate(5)
        val calls = listOf<Pair<String, () -> Unit>>(
            "append" to { log.append(record, Durability.BUFFERED) },
            "append" to { log.append(record, Durability.SYNCED) },
            "tryAppend" to { log.tryAppend(record) },
            "appendAsync" to { log.appendAsync(record, Durability.SYNCED) },
            "sync" to { log.sync() },
            "rotate" to { log.rotate() },
            "checkpoint" to { log.checkpoint(log.lastLsn()) },
            "truncateAfter" to { log.truncateAfter(log.firstLsn() - 1) },
        )
        for ((name, call) in calls) {
            val thrown = runCatching(call).exceptionOrNull()
            expect(thrown is WalFailedException) { "$name on a failed log: ${thrown ?: "nothing thrown"}" }
            expectCause(thrown)
        }
        caller.awaitTickets()
        expect(log.durableLsn() == durableLsn) { "the durable LSN of a failed log moved to ${log.durableLsn()}" }
        if (failures.size >= times || fault.call == DiskCall.WRITE) {
            var lsn = log.firstLsn()
            log.replay(0).use { while (it.next()) lsn++ }
            expect(lsn == durableLsn + 1) { "a failed log is read up to ${lsn - 1}, durable is $durableLsn" }
        }
    }

    private fun close() {
        val log = wal ?: return
        wal = null
        try {
            log.close()
            oracle.acknowledged(log.lastLsn(), Durability.SYNCED, oracle.stamp())
        } catch (e: IOException) {
            expect(failures.isNotEmpty()) { "$e without a fault" }
        }
        caller.awaitTickets()
    }

    /** The process ends: nothing is closed, and its lock is gone. */
    private fun kill() {
        wal = null
        callsBefore += if (fault == Fault.STORM) disk.count(DiskCall.MUTATIONS) else disk.count(fault.call)
        oracle.crashed(Loss.PROCESS)
        disk = disk.killImage()
        plan()
        caller.forgetTickets()
    }

    /** What could not be written while opening is tried again in the background, and by whoever needs it. */
    private fun hasRecovered(log: Wal): Boolean {
        crash("$where, opened without space")
        repeat(2) { background.runQueued() }
        crash("$where, prepared again")
        try {
            log.sync()
            return true
        } catch (e: WalNoSpaceException) {
            log.close()
            return false
        }
    }

    private fun plan() {
        val left = times - failures.size
        when (fault) {
            Fault.FULL -> fillUp()
            Fault.STORM -> storm()
            Fault.WRITE_SHORT, Fault.READ_SHORT, Fault.WRITE_CUT -> shorten()
            else -> if (left > 0) disk.fail(maxOf(1, at - callsBefore), setOf(fault.call), left, ::failed)
        }
    }

    /** Short are the [at]-th transfer and those after it, or that one alone if the others fail. */
    private fun shorten() {
        val shortCount = if (fault == Fault.WRITE_CUT) 1 else times
        disk.beforeCall = CallWatcher { call, path, _ ->
            if (call == fault.call) {
                transfers++
                if (transfers in at..<at + shortCount) {
                    shortTransfers++
                    disk.shorten(1, setOf(call))
                } else if (fault == Fault.WRITE_CUT && transfers in at + 1..at + times) {
                    throw failed(path)
                }
            }
        }
    }

    private fun failed(path: Path): IOException {
        failedPaths.add(path)
        return fault.failure.at(path).also(failures::add)
    }

    private fun storm() {
        val choices = Random(mixed(at.toLong(), times.toLong()))
        for (call in maxOf(1, at - callsBefore)..<maxOf(1, at + STORM_CALLS - callsBefore)) {
            if (choices.nextBoolean()) disk.fail(call, DiskCall.MUTATIONS, failure = ::failed)
        }
    }

    private fun fillUp() {
        if (failures.size < times * FULL_CALLS) disk.capacityBytes = at * FULL_STEP_BYTES
        disk.beforeCall = CallWatcher { _, path, _ ->
            if (disk.usedBytes >= disk.capacityBytes) {
                failed(path)
                if (failures.size >= times * FULL_CALLS) disk.capacityBytes = Long.MAX_VALUE
            }
        }
    }

    /** Fails, or finds no space, as often as the fault strikes at the most. */
    private fun open(): Wal {
        while (true) {
            val before = failures.size
            try {
                openOnce()?.let { return it }
                expect(failures.size > before) { "no space without a fault" }
            } catch (e: IOException) {
                expect(e !is WalCorruptedException && e !is WalFormatException) { "a false alarm: $e" }
                expect(failures.size > before) { "$e without a fault" }
            }
            crash("$where, opening failed")
        }
    }

    /** Null if there is no space for what has to be written first. All that was acknowledged can be read then, too. */
    private fun openOnce(): Wal? {
        background = HandExecutor()
        val log = openWithBackground(shape.store(disk), shape.options(), background)
        try {
            val found = Recovery.recordsOf(log)
            val (expectation, _) = oracle.capture { }
            val groups = expectation.check(found, Loss.PROCESS)
            if (log.state() == WalState.NO_SPACE && !hasRecovered(log)) return null
            expect(log.state() != WalState.FAILED) { "the state is ${log.state()}" }
            expect(log.durableLsn() == log.lastLsn()) { "durable is ${log.durableLsn()}, last ${log.lastLsn()}" }
            oracle.reopened(found, groups)
            caller.reopened(found.lastLsn)
            wal = log
            return log
        } catch (e: IOException) {
            runCatching { log.close() }
            throw e
        }
    }

    /** When the fault is over the log lives: it takes records. */
    private fun ended() {
        var lastLsn: Long
        do {
            val before = failures.size
            lastLsn = oracle.durableLsn()
            take(Int.MAX_VALUE) {
                background.runQueued()
                caller.appendWaiting(it, Durability.SYNCED)
            }
        } while (failures.size > before)
        expect(oracle.durableLsn() > lastLsn) { "the log takes no records" }
        crash(where)
        close()
        crash("closed")
    }

    private fun crash(itsWhere: String) {
        for (image in 0L..2L) {
            val choice = choice(image + 3L * crashes++)
            val survivors = if (image == 0L) Loss.PROCESS else Loss.POWER
            val (expectation, left) = oracle.capture { if (image == 0L) disk.killImage() else disk.image(choice) }
            recovery.check(CrashState(left, shape, survivors, expectation, "$itsWhere, $survivors lost", choice))
        }
    }

    /** One recovery in 32 is itself crashed at each of its operations. */
    private fun choice(salt: Long): Long {
        val choice = mixed(mixed(at.toLong(), fault.ordinal.toLong()), salt)
        return if (choice and 24L == 0L) choice else choice or 7L
    }

    private companion object {
        const val FULL_STEP_BYTES = 601L
        const val FULL_CALLS = 12
        const val STORM_CALLS = 8
    }
}
