package dev.kwal.storage

import dev.kwal.storage.contract.bytes
import dev.kwal.storage.contract.make
import dev.kwal.storage.contract.text
import dev.kwal.storage.disk.DiskFile
import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.DiskFailure
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith
import java.io.IOException

/** How a segment is written and gone on with. */
class FileStoreWriterSpec :
    StringSpec({
        "a failed sync is the last call to the file but its closing" {
            val disk = SimulatedDisk()
            val writer = disk.writer()
            writer.append(bytes("abc"))
            disk.fail(1, setOf(DiskCall.SYNC))
            shouldThrow<IOException> { writer.sync() }
            disk.mutations {
                shouldThrow<IOException> { writer.sync() }
                shouldThrow<IOException> { writer.append(bytes("def")) }
                writer.close()
            } shouldBe emptyList()
            disk.openFiles shouldBe 0
        }

        "a failed append is the last call to the file but its closing" {
            val disk = SimulatedDisk()
            val writer = disk.writer()
            disk.fail(1, setOf(DiskCall.WRITE), failure = DiskFailure.NO_SPACE)
            shouldThrow<IOException> { writer.append(bytes("abc")) }
            disk.mutations {
                shouldThrow<IOException> { writer.append(bytes("abc")) }
                shouldThrow<IOException> { writer.sync() }
                writer.close()
            } shouldBe emptyList()
        }

        "a write that is cut short goes on" {
            val disk = SimulatedDisk(7).apply { shortTransfers = true }
            val store = disk.store()
            store.lock()
            store.make(1, "0123456789".repeat(500))
            store.text(1) shouldBe "0123456789".repeat(500)
        }

        "a write that does nothing is a failure" {
            val file = object : DiskFile {
                override fun read(target: java.nio.ByteBuffer, position: Long) = -1
                override fun write(source: java.nio.ByteBuffer, position: Long) = 0
                override fun size() = 0L
                override fun truncate(size: Long) = Unit
                override fun sync(attributes: Boolean) = Unit
                override fun close() = Unit
            }
            shouldThrow<IOException> { file.writeAll(bytes("abc"), 0) }
        }

        "large buffers go out in pieces" {
            val disk = SimulatedDisk()
            val writer = disk.writer()
            disk.mutations { writer.append(bytes("x".repeat(2_500_000))) }.size shouldBe 3
        }

        "a failure to trim is passed on, and the writer is closed" {
            val disk = SimulatedDisk()
            val writer = disk.writer()
            writer.append(bytes("abc"))
            disk.fail(1, setOf(DiskCall.TRUNCATE))
            shouldThrow<IOException> { writer.close() }
            disk.openFiles shouldBe 0
            writer.close()
        }

        "space that is prepared later is written once, in zeros" {
            val disk = SimulatedDisk()
            val writer = disk.writer()
            writer.append(bytes("abc"))
            writer.prepare(0) shouldBe 1000
            writer.prepare(2000) shouldBe 2000
            disk.bytes(SimulatedDisk.segment(1)).decodeToString() shouldBe "habc" + "\u0000".repeat(1996)
            disk.mutations {
                writer.prepare(0) shouldBe 2000
                writer.prepare(1500) shouldBe 2000
            } shouldBe emptyList()
            writer.close()
            disk.bytes(SimulatedDisk.segment(1)).size shouldBe 4
        }

        "space that cannot be prepared later leaves the writer as it was" {
            val disk = SimulatedDisk()
            val writer = disk.writer()
            disk.capacityBytes = 1500
            shouldThrow<IOException> { writer.prepare(2000) }
            writer.prepare(0) shouldBe 1000
            writer.append(bytes("x".repeat(999)))
            writer.sync()
            disk.capacityBytes = 2000
            writer.prepare(2000) shouldBe 2000
            writer.append(bytes("y".repeat(1000)))
            writer.close()
            disk.bytes(SimulatedDisk.segment(1)).decodeToString() shouldBe "h" + "x".repeat(999) + "y".repeat(1000)
        }

        "without preallocation nothing is prepared later either" {
            val disk = SimulatedDisk()
            val store = disk.store(preallocation = false)
            store.lock()
            val writer = store.create(1, bytes("h"), 1000)
            disk.mutations { writer.prepare(2000) shouldBe Long.MAX_VALUE } shouldBe emptyList()
        }

        "a resumed segment has space for what is expected, and gives back what it did not use" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            store.make(1, "habc")
            for ((expected, prepared) in listOf(0L to 4 + 65536, 1000L to 4 + 65536, 100_000L to 100_000)) {
                val writer = store.resume(1, 4, expected)
                disk.bytes(SimulatedDisk.segment(1)).size shouldBe prepared
                disk.platterBytes(SimulatedDisk.segment(1)).size shouldBe prepared
                writer.close()
                store.text(1) shouldBe "habc"
            }
        }

        "a resume that fails at any call leaves the segment as it was, and the next try succeeds" {
            for (failure in DiskFailure.entries) {
                for (at in 1..8) {
                    val disk = SimulatedDisk(at.toLong())
                    val store = disk.store()
                    store.lock()
                    store.make(1, "habc")
                    disk.fail(at, DiskCall.ALL - DiskCall.CLOSE, failure = failure::at)
                    withClue("$failure at call $at") {
                        val resumed = runCatching { store.resume(1, 4, 1000) }
                        disk.heal()
                        resumed.onSuccess { it.close() }
                        if (resumed.isFailure) {
                            (resumed.exceptionOrNull() is IOException) shouldBe true
                            disk.openFiles shouldBe 0
                            store.text(1) shouldBe "habc"
                        }
                        store.resume(1, 4, 1000).use { it.append(bytes("def")) }
                        store.text(1) shouldBe "habcdef"
                    }
                }
            }
        }

        "a full disk fails the resume and leaves the size" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            store.make(1, "habc")
            disk.capacityBytes = 10_000
            shouldThrow<IOException> { store.resume(1, 4, 1000) }
            disk.usedBytes shouldBe 4
        }

        "an urgent resume takes the reserve" {
            val disk = SimulatedDisk()
            val store = disk.store(reserveBytes = 100_000)
            store.lock()
            store.make(1, "habc")
            disk.capacityBytes = disk.usedBytes
            shouldThrow<IOException> { store.resume(1, 4, 1000) }
            store.resume(1, 4, 0).use { it.append(bytes("def")) }
            store.text(1) shouldBe "habcdef"
        }

        "a power loss at any call of a resume leaves what was synced" {
            everyPowerLoss(
                SimulatedDisk(),
                {
                    it.resume(1, 6, 1000).use { writer ->
                        writer.append(bytes("def"))
                        writer.sync()
                        writer.append(bytes("ghi"))
                    }
                },
                prepare = { it.make(1, "header") },
            ) { left, done ->
                left.store().text(1) shouldStartWith if (done) "headerdef" else "header"
            }
        }

        "a position behind the end is the caller's mistake" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            store.make(1, "habc")
            shouldThrow<IllegalArgumentException> { store.resume(1, 5, 0) }
            shouldThrow<IllegalArgumentException> { store.resume(1, -1, 0) }
            shouldThrow<IllegalArgumentException> { store.resume(0, 0, 0) }
            shouldThrow<IllegalArgumentException> { store.create(1, bytes("h"), -1) }
            disk.openFiles shouldBe 0
        }
    })

private fun SimulatedDisk.writer(): SegmentWriter {
    val store = store()
    store.lock()
    return store.create(1, bytes("h"), 1000)
}
