package dev.kwal.storage

import dev.kwal.storage.contract.make
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.DiskFailure
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.nio.file.Path

/** How a directory comes to be, and that its lock is all or nothing, on a disk that fails. */
class FileStoreDirectorySpec :
    StringSpec({
        "a full disk keeps nobody from locking" {
            val disk = SimulatedDisk()
            disk.store(reserveBytes = 1000).let { store -> store.lock().use { store.make(1, "h") } }
            disk.capacityBytes = 0
            disk.store(reserveBytes = 1000).lock().use { disk.names().size shouldBe 3 }
        }

        "new directories survive a loss of power with the first segment" {
            val deep = Path.of("/a/b/c").toAbsolutePath()
            val disk = SimulatedDisk()
            val store = disk.store(deep)
            store.lock()
            store.make(1, "h")
            repeat(100) { withClue("seed $it") { disk.image(it.toLong()).store(deep).segments().size shouldBe 1 } }
        }

        "directories that a killed process made survive as well" {
            val deep = Path.of("/a/b/c").toAbsolutePath()
            var at = 0
            do {
                at++
                val disk = SimulatedDisk()
                disk.crash(at)
                val locked = runCatching { disk.store(deep).lock() }.isSuccess
                val next = disk.killImage()
                val store = next.store(deep)
                store.lock()
                store.make(1, "h")
                repeat(50) {
                    withClue("killed at call $at, seed $it") {
                        next.image(it.toLong()).store(deep).segments().size shouldBe 1
                    }
                }
            } while (!locked)
        }

        "what a killed process created or deleted is settled when the next one has the lock" {
            for (at in 1..12) {
                val disk = SimulatedDisk()
                val store = disk.store()
                store.lock()
                store.make(1, "h")
                store.make(2, "h")
                disk.crash(at)
                runCatching {
                    store.delete(1)
                    store.make(3, "h")
                }
                val next = disk.killImage()
                next.store().lock()
                val settled = next.store().segments().toList()
                repeat(20) { next.image(it.toLong()).store().segments().toList() shouldBe settled }
            }
        }

        "a segment that was deleted stays away when the power goes" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            store.make(1, "h")
            store.make(2, "h")
            store.delete(1)
            repeat(50) { withClue("seed $it") { disk.image(it.toLong()).store().segments() shouldBe longArrayOf(2) } }
        }

        "a lock that fails at any call is not held" {
            for (at in 1..10) {
                val disk = SimulatedDisk()
                disk.fail(at)
                val locked = runCatching { disk.store().lock() }
                disk.heal()
                locked.onSuccess { it.close() }.onFailure { (it is IOException) shouldBe true }
                disk.store().lock().close()
                disk.openFiles shouldBe 0
            }
        }

        "a parent that cannot be looked into is no obstacle" {
            val disk = SimulatedDisk()
            disk.store().lock().close()
            disk.fail(1, setOf(DiskCall.SYNC_DIRECTORY), failure = DiskFailure.ACCESS_DENIED)
            disk.store().lock().close()
        }
    })
