package dev.kwal.crash

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.WalState
import dev.kwal.framesIn
import dev.kwal.openWithBackground
import dev.kwal.testkit.CallWatcher
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicInteger

/** Opens what crashes left, checks it, and crashes it again. Thread-safe. */
internal class Recovery {
    /** Crashes in a workload. */
    val crashes = AtomicInteger()

    /** Crashes inside a recovery. */
    val innerCrashes = AtomicInteger()

    /** Losses of power after a recovery, before or after further appends. */
    val laterCrashes = AtomicInteger()

    /** Openings, each of which read all records. */
    val recoveries = AtomicInteger()

    val states: Int get() = crashes.get() + innerCrashes.get()

    fun check(state: CrashState) {
        crashes.incrementAndGet()
        explained(state) {
            if (state.choice and 7L == 0L) checkInside(state)
            if (state.choice and 48L == 0L) checkReadOnly(state)
            checkTwice(state)
        }
    }

    /** Recovers; loses the power; recovers to the same; goes on. */
    private fun checkTwice(state: CrashState) {
        recoveries.incrementAndGet()
        val log = open(state.disk, optionsFor(state), state.shape)
        state.expectation.check(log.found, state.survivors)
        val secondDisk = state.disk.image(mixed(state.choice, 1))
        laterCrashes.incrementAndGet()
        recoveries.incrementAndGet()
        val second = open(secondDisk, state.shape.options(), state.shape, "the second opening")
        same(log.found, second.found, "after a loss of power behind the recovery")
        expectAtMostOneMore(log, second)
        if (state.choice and 192L == 0L) {
            recoveries.incrementAndGet()
            val third =
                open(secondDisk.image(mixed(state.choice, 3)), state.shape.options(), state.shape, "the third opening")
            same(second.found, third.found, "after the second loss of power behind the recovery")
            expectAtMostOneMore(log, third)
        }
        if (state.choice and 256L == 0L) goOn(state, second, secondDisk)
    }

    /** What proved the tail to be durable may itself be lost, and the tail then be copied, once. */
    private fun expectAtMostOneMore(first: OpenLog, later: OpenLog) {
        expect(later.wal.segments().size <= first.wal.segments().size + 1) {
            "a later recovery has ${later.wal.segments()}, the first ${first.wal.segments()}"
        }
    }

    private fun goOn(state: CrashState, log: OpenLog, disk: SimulatedDisk) {
        val more = List(3) { ByteArray(20 + it) { at -> (at + it).toByte() } }
        val found = log.found
        more.forEachIndexed { offset, record ->
            val lsn = log.wal.append(ByteBuffer.wrap(record), Durability.BUFFERED)
            expect(lsn == found.lastLsn + 1 + offset) { "the next LSN is $lsn after ${found.lastLsn} and $offset more" }
        }
        val expected = Recovered(found.firstLsn, found.lastLsn + more.size, found.epoch, found.records + more)
        val closes = state.choice and 512L == 0L
        if (closes) log.wal.close() else log.wal.sync()
        laterCrashes.incrementAndGet()
        recoveries.incrementAndGet()
        val options = state.shape.options().withVerifyOnOpen(true)
        val last = open(disk.image(mixed(state.choice, 2)), options, state.shape, "the third opening")
        same(expected, last.found, "after appending, ${if (closes) "closing" else "syncing"} and losing power")
        if (closes) expectAllRead(state, disk, expected)
    }

    /** A reader of a log that was closed sees all of it. */
    private fun expectAllRead(state: CrashState, disk: SimulatedDisk, expected: Recovered) =
        Wal.openReadOnly(state.shape.store(disk.killImage()), state.shape.options()).use { reader ->
            val records = ArrayList<ByteArray>()
            reader.replay(0).use { while (it.next()) records.add(it.record().toByteArray()) }
            val lastLsn = reader.firstLsn() + records.size - 1
            same(expected, Recovered(reader.firstLsn(), lastLsn, expected.epoch, records), "for a reader, closed")
        }

    /** Crashes before each operation of the recovery. */
    private fun checkInside(state: CrashState) {
        val disk = state.disk.killImage()
        val inner = ArrayList<CrashState>()
        disk.beforeCall = CallWatcher { call, _, index ->
            if (call in DiskCall.MUTATIONS) {
                val choice = mixed(state.choice, 100L + index)
                val survivors = if (choice and 16L == 0L) state.survivors else Loss.POWER
                val image = if (survivors == Loss.PROCESS) disk.killImage() else disk.image(choice)
                val where = "${state.where}, then $survivors lost before call $index ($call) of its recovery"
                inner.add(CrashState(image, state.shape, survivors, state.expectation, where, choice))
            }
        }
        recoveries.incrementAndGet()
        open(disk, state.shape.options(), state.shape)
        disk.beforeCall = null
        for (each in inner) {
            innerCrashes.incrementAndGet()
            explained(each) { checkTwice(each) }
        }
    }

    /** A reader beside the owner sees a prefix and complains of nothing. */
    private fun checkReadOnly(state: CrashState) {
        if (state.disk.names().none { it.endsWith(".wal") }) return
        val disk = state.disk.killImage()
        complainingOf("the read-only open failed") {
            Wal.openReadOnly(state.shape.store(disk), state.shape.options()).use { reader ->
                val epoch = open(state.disk.killImage(), state.shape.options(), state.shape).found.epoch
                val records = ArrayList<ByteArray>()
                reader.replay(0).use { while (it.next()) records.add(it.record().toByteArray()) }
                val lastLsn = reader.firstLsn() + records.size - 1
                val delivered = Recovered(reader.firstLsn(), lastLsn, epoch, records)
                state.expectation.checkPrefix(delivered)
                recoveries.incrementAndGet()
                laterCrashes.incrementAndGet()
                val later = open(state.disk.image(mixed(state.choice, 4)), state.shape.options(), state.shape)
                expectKept(delivered, later.found)
            }
        }
    }

    /** What a reader was given was durable, unless the owner was about to give it up. */
    private fun expectKept(delivered: Recovered, later: Recovered) {
        if (delivered.epoch != later.epoch) return
        expect(later.lastLsn >= delivered.lastLsn) { "a reader was given $delivered, and $later came back" }
        for (lsn in maxOf(delivered.firstLsn, later.firstLsn)..delivered.lastLsn) {
            expect(later.record(lsn).contentEquals(delivered.record(lsn))) { "a reader was given another record $lsn" }
        }
    }

    private fun optionsFor(state: CrashState): WalOptions = state.shape.options()
        .withVerifyOnOpen(state.choice and 1024L == 0L)
        .withExpectAtLeast(if (state.choice and 2048L == 0L) state.expectation.surelyDurableLsn else 0)

    private fun explained(state: CrashState, work: () -> Unit) {
        val before = state.disk.killImage()
        try {
            work()
        } catch (e: BrokenPromise) {
            if (e.isExplained) throw e
            val hasSegments = before.names().any { it.endsWith(".wal") }
            val frames = if (hasSegments) framesIn(state.shape.store(before)).joinToString("\n  ") else "no segments"
            throw BrokenPromise(
                "${e.message}\n${state.where}\nexpected ${state.expectation}\n${before.names()}\n  $frames",
                e,
                true,
            )
        }
    }

    companion object {
        /** Opens and reads everything. Whatever goes wrong is a broken promise. */
        fun open(disk: SimulatedDisk, options: WalOptions, shape: Shape, what: String = "opening"): OpenLog =
            complainingOf("$what failed") {
                val background = HandExecutor()
                val wal = openWithBackground(shape.store(disk), options, background)
                OpenLog(wal, background, everythingIn(wal))
            }

        fun everythingIn(wal: Wal): Recovered {
            expect(wal.state() == WalState.OPEN) { "the state is ${wal.state()}" }
            expect(wal.durableLsn() == wal.lastLsn()) { "durable is ${wal.durableLsn()}, last ${wal.lastLsn()}" }
            expect(wal.recovery().lastLsn == wal.lastLsn()) { "the report says ${wal.recovery()}" }
            return recordsOf(wal)
        }

        /** Dense, and as many as the log says. */
        fun recordsOf(wal: Wal): Recovered {
            val records = ArrayList<ByteArray>()
            wal.replay(0).use { cursor ->
                while (cursor.next()) {
                    val expected = wal.firstLsn() + records.size
                    expect(cursor.lsn() == expected) { "LSN ${cursor.lsn()} was delivered, expected $expected" }
                    records.add(cursor.record().toByteArray())
                }
            }
            expect(wal.firstLsn() + records.size - 1 == wal.lastLsn()) {
                "${records.size} records were delivered, expected ${wal.firstLsn()} to ${wal.lastLsn()}"
            }
            return Recovered(wal.firstLsn(), wal.lastLsn(), wal.epoch(), records)
        }

        fun same(expected: Recovered, found: Recovered, whenIt: String) {
            expect("$expected" == "$found") { "$found $whenIt, expected $expected" }
            for (lsn in expected.firstLsn..expected.lastLsn) {
                expect(expected.record(lsn).contentEquals(found.record(lsn))) { "record $lsn changed $whenIt" }
            }
        }

        private fun <T> complainingOf(what: String, work: () -> T): T = try {
            work()
        } catch (e: Exception) {
            throw BrokenPromise("$what: $e", e)
        }
    }
}

/** A log that was just opened, and what it delivered. */
internal class OpenLog(val wal: Wal, val background: HandExecutor, val found: Recovered)
