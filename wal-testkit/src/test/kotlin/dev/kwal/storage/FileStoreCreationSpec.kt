package dev.kwal.storage

import dev.kwal.storage.contract.bytes
import dev.kwal.storage.contract.make
import dev.kwal.storage.contract.text
import dev.kwal.testkit.CallWatcher
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.DiskFailure
import dev.kwal.testkit.SimulatedCrash
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.collections.shouldNotContain
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import java.io.IOException

/** How a segment is made: whole or absent, its space prepared, and nothing left behind by a failure. */
class FileStoreCreationSpec :
    StringSpec({
        "the file is flushed before it gets its name, and the directory before create returns" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            disk.mutations { store.create(1, bytes("header"), 1000) } shouldBe listOf(
                "CREATE 00000000000000000001.wal.tmp",
                "WRITE 00000000000000000001.wal.tmp",
                "WRITE 00000000000000000001.wal.tmp",
                "SYNC 00000000000000000001.wal.tmp",
                "RENAME 00000000000000000001.wal.tmp",
                "SYNC_DIRECTORY wal",
            )
        }

        "a power loss at any call leaves the segment whole or absent" {
            everyPowerLoss(SimulatedDisk(), { it.create(2, bytes("header"), 2000) }) { left, done ->
                val store = left.store()
                if (done) store.segments().toList() shouldBe listOf(2L)
                if (store.segments().isNotEmpty()) {
                    store.text(2) shouldBe "header" + "\u0000".repeat(1994)
                }
                store.lock().close()
                left.names().filterNot { it == "LOCK" || it.endsWith("2.wal") } shouldBe emptyList()
            }
        }

        "a failure at any call leaves nothing behind, and the next try succeeds" {
            for (failure in DiskFailure.entries) {
                everyFailure(failure) { disk, store ->
                    val created = runCatching { store.create(1, bytes("header"), 5000).close() }
                    disk.heal()
                    if (created.isFailure) {
                        disk.names() shouldBe listOf("LOCK")
                        disk.openFiles shouldBe 0
                        store.create(1, bytes("header"), 5000).close()
                    }
                    disk.openFiles shouldBe 0
                    store.text(1) shouldBe "header" + "\u0000".repeat(4994)
                    created.exceptionOrNull()
                }
            }
        }

        "what could not be cleaned up is cleaned up by the next try" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            disk.fail(1, setOf(DiskCall.SYNC))
            disk.fail(1, setOf(DiskCall.DELETE))
            val failure = shouldThrow<IOException> { store.create(1, bytes("header"), 1000) }
            failure.suppressed.size shouldBe 1
            disk.names() shouldContain "00000000000000000001.wal.tmp"
            store.make(1, "new")
            store.text(1) shouldBe "new"
            disk.names() shouldBe listOf("00000000000000000001.wal", "LOCK")
        }

        "what a killed process left half made is gone when the store is locked" {
            val disk = SimulatedDisk()
            val store = disk.store(recycling = 1)
            store.lock()
            store.make(1, "old")
            store.delete(1)
            disk.crash(1, setOf(DiskCall.SYNC))
            shouldThrow<SimulatedCrash> { store.create(2, bytes("header"), 1000) }
            val left = disk.killImage()
            left.put(SimulatedDisk.segment(3).resolveSibling("00000000000000000003.wal.tmp"), ByteArray(10))
            left.names().size shouldBe 3
            left.store().lock()
            left.names() shouldBe listOf("LOCK")
        }

        "a full disk fails the creation and not the appends" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            store.create(1, bytes("header"), 10_000).use { writer ->
                disk.capacityBytes = 10_500
                shouldThrow<IOException> { store.create(2, bytes("header"), 10_000) }
                disk.usedBytes shouldBe 10_000
                repeat(99) { writer.append(bytes("x".repeat(100))) }
                writer.sync()
                disk.capacityBytes = 20_000
                store.create(2, bytes("header"), 10_000).close()
            }
            store.segments().toList() shouldBe listOf(1L, 2L)
        }

        "an urgent segment takes the reserve of a full disk, and the reserve comes back with space" {
            val disk = SimulatedDisk()
            val store = disk.store(reserveBytes = 128 * 1024)
            store.lock()
            store.make(1, "h")
            disk.names() shouldContain "RESERVE"
            disk.capacityBytes = disk.usedBytes
            shouldThrow<IOException> { store.create(2, bytes("header"), 1000) }
            disk.names() shouldContain "RESERVE"
            store.create(2, bytes("header"), 0).use {
                it.append(bytes("x".repeat(60_000)))
                it.sync()
            }
            disk.names() shouldNotContain "RESERVE"
            shouldThrow<IOException> { store.create(3, bytes("header"), 1_000_000) }
            shouldThrow<IOException> { store.resume(1, 1, 1_000_000) }
            disk.capacityBytes = Long.MAX_VALUE
            store.make(3, "h")
            disk.names() shouldContain "RESERVE"
        }

        "the reserve outlives the process, and takes a new size when it is told so" {
            val disk = SimulatedDisk()
            val store = disk.store(reserveBytes = 1000)
            store.lock().use { store.make(1, "h") }
            disk.store(reserveBytes = 1000).lock().close()
            disk.names() shouldContain "RESERVE"
            val other = disk.store(reserveBytes = 2000)
            other.lock().use {
                disk.names() shouldNotContain "RESERVE"
                other.make(2, "h")
                disk.bytes(SimulatedDisk.DIRECTORY.resolve("RESERVE")).size shouldBe 2000
            }
            disk.store(reserveBytes = 0).lock().close()
            disk.names() shouldNotContain "RESERVE"
        }

        "no room for the reserve is no failure of the segment" {
            val disk = SimulatedDisk()
            val store = disk.store(reserveBytes = 1000)
            store.lock()
            disk.capacityBytes = 1500
            store.create(1, bytes("header"), 1000).close()
            disk.names() shouldBe listOf("00000000000000000001.wal", "LOCK")
            disk.openFiles shouldBe 0
        }

        "appends within prepared space change no size" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            store.create(1, bytes("h"), 1000).use { writer ->
                repeat(9) { writer.append(bytes("x".repeat(100))) }
                disk.bytes(SimulatedDisk.segment(1)).size shouldBe 1000
            }
            disk.bytes(SimulatedDisk.segment(1)).size shouldBe 901
        }

        "a prepared segment that was never used stays prepared" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            store.create(1, bytes("h"), 1000).close()
            disk.bytes(SimulatedDisk.segment(1)).size shouldBe 1000
        }

        "without preallocation a segment is as long as what is in it" {
            val disk = SimulatedDisk()
            val store = disk.store(preallocation = false)
            store.lock()
            store.create(1, bytes("h"), 1000).use { writer ->
                writer.append(bytes("abc"))
                disk.bytes(SimulatedDisk.segment(1)).size shouldBe 4
            }
            store.resume(1, 4, 1000).use { disk.bytes(SimulatedDisk.segment(1)).size shouldBe 4 }
        }

        "no file is renamed or deleted while the store has it open" {
            val disk = SimulatedDisk().apply { keepsOpenFiles = true }
            val store = disk.store(recycling = 1, reserveBytes = 1000)
            store.lock().use {
                repeat(4) { store.make(it + 1L, "header") }
                repeat(4) { store.delete(it + 1L) }
                store.make(5, "header")
                disk.fail(1, setOf(DiskCall.SYNC_DIRECTORY))
                shouldThrow<IOException> { store.create(6, bytes("h"), 100) }.suppressed.size shouldBe 0
            }
        }
    })

/** The mutations that some work asks of the disk, with the last names of their paths. */
internal fun SimulatedDisk.mutations(work: () -> Unit): List<String> {
    val calls = ArrayList<String>()
    beforeCall = CallWatcher { call, path, _ -> if (call in DiskCall.MUTATIONS) calls.add("$call ${path.fileName}") }
    work()
    beforeCall = null
    return calls
}

/** Does the work on copies of a disk, each time stopping before a later call, and tests what a power loss leaves. */
internal fun everyPowerLoss(
    disk: SimulatedDisk,
    work: (WalStore) -> Unit,
    recycling: Int = 0,
    prepare: (WalStore) -> Unit = {},
    test: (left: SimulatedDisk, done: Boolean) -> Unit,
) {
    var at = 0
    do {
        at++
        val copy = disk.killImage()
        val store = copy.store(recycling = recycling)
        store.lock()
        prepare(store)
        copy.crash(at)
        val done = runCatching { work(store) }.onFailure { if (it !is SimulatedCrash) throw it }.isSuccess
        for (seed in 0L until 60) {
            withClue("power loss before call $at, seed $seed") { test(copy.image(seed), done) }
        }
    } while (!done)
    at shouldBeGreaterThan 2
}

/** Does the work on new disks, each time failing a later call, until none was failed that mattered. */
internal fun everyFailure(failure: DiskFailure, work: (SimulatedDisk, WalStore) -> Throwable?) {
    val calls = DiskCall.ALL - DiskCall.CLOSE
    var at = 0
    do {
        at++
        val disk = SimulatedDisk(at.toLong())
        val store = disk.store()
        store.lock()
        disk.fail(at, calls, failure = failure::at)
        val before = disk.count(calls)
        val thrown = withClue("$failure at call $at") { work(disk, store) }
        if (thrown != null && thrown !is IOException) throw thrown
    } while (at <= disk.count(calls) - before && at < 100)
    at shouldBeGreaterThan 5
}
