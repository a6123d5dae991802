package dev.kwal.storage

import dev.kwal.storage.contract.bytes
import dev.kwal.storage.contract.make
import dev.kwal.storage.contract.text
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith
import java.io.IOException
import java.nio.file.Path

/** How a segment goes: deleted durably, or kept for the next one. */
class FileStoreRecyclingSpec :
    StringSpec({
        "a deletion is flushed before it returns" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            store.make(1, "old")
            disk.mutations { store.delete(1) } shouldBe listOf("DELETE 00000000000000000001.wal", "SYNC_DIRECTORY wal")
            repeat(50) { disk.image(it.toLong()).store().segments().toList() shouldBe emptyList() }
        }

        "a file waits under a durable name, and gets its new header there before it is a segment again" {
            val disk = SimulatedDisk()
            val store = disk.store(recycling = 1)
            store.lock()
            store.make(1, "x".repeat(1000))
            disk.mutations { store.delete(1) } shouldBe listOf("RENAME 00000000000000000001.wal", "SYNC_DIRECTORY wal")
            disk.mutations { store.create(2, bytes("header"), 1200) } shouldBe listOf(
                "WRITE pool-00000000000000000001.free",
                "WRITE pool-00000000000000000001.free",
                "SYNC pool-00000000000000000001.free",
                "RENAME pool-00000000000000000001.free",
                "SYNC_DIRECTORY wal",
            )
            store.text(2) shouldBe "header" + "x".repeat(994) + "\u0000".repeat(200)
        }

        "a power loss at any call leaves the old segment and the new one, each whole or absent" {
            val old = "old".repeat(400)
            everyPowerLoss(
                SimulatedDisk(),
                {
                    it.delete(1)
                    it.create(2, bytes("header".repeat(100)), 2000)
                },
                recycling = 1,
                prepare = { it.make(1, old) },
            ) { left, done ->
                val store = left.store()
                if (done) store.segments().toList() shouldBe listOf(2L)
                if (1L in store.segments()) store.text(1) shouldBe old
                if (2L in store.segments()) store.text(2) shouldStartWith "header".repeat(100)
                store.segments().toList() shouldBeIn listOf(listOf(1L), emptyList(), listOf(2L))
                store.lock().close()
                left.names().filter { it.startsWith("pool") } shouldBe emptyList()
            }
        }

        "a file that has another name is deleted instead, under the name that nobody links any more" {
            val disk = SimulatedDisk()
            val store = disk.store(recycling = 1)
            store.lock()
            store.make(1, "old")
            disk.put(Path.of("/copy/other").toAbsolutePath(), ByteArray(0))
            disk.seam.link(SimulatedDisk.segment(1), Path.of("/copy/1").toAbsolutePath()) shouldBe true
            disk.mutations { store.delete(1) } shouldBe listOf(
                "RENAME 00000000000000000001.wal",
                "DELETE pool-00000000000000000001.free",
                "SYNC_DIRECTORY wal",
            )
            store.create(2, bytes("header"), 0).close()
            String(disk.bytes(Path.of("/copy/1").toAbsolutePath())) shouldBe "old"
        }

        "a file whose new name may not be durable is not used again" {
            val disk = SimulatedDisk()
            val store = disk.store(recycling = 1)
            store.lock()
            store.make(1, "old")
            disk.fail(1, setOf(DiskCall.SYNC_DIRECTORY))
            shouldThrow<IOException> { store.delete(1) }
            store.create(2, bytes("header"), 0).close()
            disk.count(DiskCall.CREATE) shouldBe 2
        }

        "a recycled file that is too long is cut to what is expected" {
            val disk = SimulatedDisk()
            val store = disk.store(recycling = 1)
            store.lock()
            store.make(1, "x".repeat(100_000))
            store.delete(1)
            store.create(2, bytes("header"), 1000).close()
            disk.bytes(SimulatedDisk.segment(2)).size shouldBe 1000
        }

        "an urgent segment takes a recycled file as it is" {
            val disk = SimulatedDisk()
            val store = disk.store(recycling = 1)
            store.lock()
            store.make(1, "x".repeat(100_000))
            store.delete(1)
            disk.capacityBytes = disk.usedBytes
            store.create(2, bytes("header"), 0).use { it.append(bytes("y".repeat(90_000))) }
            store.text(2).length shouldBe 90_006
        }

        "no more files wait than were asked for" {
            val disk = SimulatedDisk()
            val store = disk.store(recycling = 2)
            store.lock()
            repeat(5) { store.make(it + 1L, "old") }
            repeat(5) { store.delete(it + 1L) }
            disk.names() shouldBe
                listOf("LOCK", "pool-00000000000000000001.free", "pool-00000000000000000002.free")
            store.make(6, "new")
            disk.names() shouldBe listOf("00000000000000000006.wal", "LOCK", "pool-00000000000000000002.free")
        }

        "segments of an earlier run are not recycled" {
            val disk = SimulatedDisk()
            val first = disk.store(recycling = 1)
            first.lock().use { first.make(1, "old") }
            val second = disk.store(recycling = 1)
            second.lock()
            second.delete(1)
            disk.names() shouldBe listOf("LOCK")
        }

        "giving up the lock deletes the files that wait" {
            val disk = SimulatedDisk()
            val store = disk.store(recycling = 1)
            store.lock().use {
                store.make(1, "old")
                store.delete(1)
            }
            disk.names() shouldBe listOf("LOCK")
        }

        "a failure at any call of a recycled creation leaves nothing behind, and the next try succeeds" {
            for (at in 1..12) {
                val disk = SimulatedDisk(at.toLong())
                val store = disk.store(recycling = 1)
                store.lock()
                store.make(1, "x".repeat(100))
                store.delete(1)
                disk.fail(at, DiskCall.ALL - DiskCall.CLOSE)
                val created = runCatching { store.create(2, bytes("header"), 1000).close() }
                disk.heal()
                if (created.isFailure) {
                    disk.names().filterNot { it.startsWith("pool") } shouldBe listOf("LOCK")
                    disk.openFiles shouldBe 0
                    store.create(2, bytes("header"), 1000).close()
                }
                store.text(2) shouldStartWith "header"
                disk.names() shouldBe listOf("00000000000000000002.wal", "LOCK")
            }
        }
    })
