package dev.kwal.testkit

import dev.kwal.storage.contract.bytes
import dev.kwal.storage.contract.make
import dev.kwal.storage.contract.text
import dev.kwal.storage.disk.DiskFile
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.collections.shouldContainAll
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.file.Path
import java.util.Random

private val first = SimulatedDisk.segment(1)

/** That the simulated disk loses what a real one may lose, and nothing else. */
class SimulatedDiskSpec :
    StringSpec({
        fun disk(seed: Long = 0) = SimulatedDisk(seed).apply { put(first, ByteArray(0)) }

        "any set of unflushed sectors survives, whatever the order of their writes" {
            val disk = disk()
            disk.open { file ->
                file.write(bytes("-".repeat(4 * 512)), 0)
                file.sync(true)
                for (sector in 0L..3) file.write(bytes("x".repeat(512)), sector * 512)
            }
            val seen = (0L until 2000).mapTo(HashSet()) { seed ->
                disk.image(seed).bytes(first).toList().chunked(512).joinToString("") { sector ->
                    sector.toSet().single().toInt().toChar().toString()
                }
            }
            seen.size shouldBe 16
        }

        "a sector that was written often survives in any of its states" {
            val disk = disk()
            disk.open { file ->
                file.write(bytes("0"), 0)
                file.sync(true)
                for (state in 1..3) file.write(bytes("$state"), 0)
            }
            val seen = (0L until 500).mapTo(HashSet()) { disk.image(it).bytes(first).decodeToString() }
            seen shouldBe setOf("0", "1", "2", "3")
        }

        "a size survives with its data, without it as zeros, or not" {
            val disk = disk()
            disk.open { it.write(bytes("x".repeat(600)), 0) }
            val seen = (0L until 500).mapTo(HashSet()) { disk.image(it).bytes(first).decodeToString() }
            val zero = "\u0000"
            seen shouldContainAll
                setOf("", "x".repeat(600), zero.repeat(600), "x".repeat(512) + zero.repeat(88))
            seen.size shouldBe 5
        }

        "what was cut off and not flushed may come back" {
            val disk = disk()
            disk.open { file ->
                file.write(bytes("abcdef"), 0)
                file.sync(true)
                file.truncate(2)
            }
            disk.bytes(first).decodeToString() shouldBe "ab"
            val seen = (0L until 500).mapTo(HashSet()) { disk.image(it).bytes(first).decodeToString() }
            seen shouldContainAll setOf("ab", "abcdef")
        }

        "flushed data survives in every image" {
            val disk = disk()
            disk.open { file ->
                file.write(bytes("synced"), 0)
                file.sync(false)
                file.write(bytes("later"), 6)
            }
            for (seed in 0L until 200) disk.image(seed).bytes(first).decodeToString().take(6) shouldBe "synced"
        }

        "data of a failed flush is still read, and no later flush brings it to the platter" {
            val seen = HashSet<String>()
            for (seed in 0L until 100) {
                val disk = disk(seed)
                disk.open { file ->
                    file.write(bytes("-".repeat(1024)), 0)
                    file.sync(true)
                    file.write(bytes("x".repeat(1024)), 0)
                    disk.fail(1, setOf(DiskCall.SYNC))
                    shouldThrow<IOException> { file.sync(true) }
                    file.sync(true)
                    file.write(bytes("end"), 1024)
                    file.sync(true)
                }
                disk.bytes(first).decodeToString() shouldBe "x".repeat(1024) + "end"
                disk.image(seed).bytes(first) shouldBe disk.platterBytes(first)
                seen.add(disk.platterBytes(first).decodeToString())
            }
            seen shouldBe listOf("-", "x").flatMap { a ->
                listOf("-", "x").map { b -> a.repeat(512) + b.repeat(512) + "end" }
            }.toSet()
        }

        "a process that ends takes nothing with it, and leaves unflushed what was" {
            val disk = disk()
            disk.open { it.write(bytes("x"), 0) }
            val left = disk.killImage()
            left.bytes(first).decodeToString() shouldBe "x"
            (0L until 100).map { left.image(it).bytes(first).size }.toSet() shouldBe setOf(0, 1)
        }

        "images and the disk do not write into each other" {
            val disk = disk()
            disk.open {
                it.write(bytes("abc"), 0)
                it.sync(true)
            }
            val images = listOf(disk.image(1), disk.killImage(), disk.image(1).killImage())
            disk.open { it.write(bytes("x"), 0) }
            images.forEachIndexed { index, image -> image.open { it.write(bytes("$index"), 1) } }
            disk.bytes(first).decodeToString() shouldBe "xbc"
            images.map { it.bytes(first).decodeToString() } shouldBe listOf("a0c", "a1c", "a2c")
            images.map { it.platterBytes(first).decodeToString() }.toSet() shouldBe setOf("abc")
        }

        "any unflushed changes of names survive, a rename as one" {
            val disk = SimulatedDisk()
            disk.put(first, bytes("old").array())
            val store = disk.store()
            store.lock()
            disk.crash(1, setOf(DiskCall.SYNC_DIRECTORY))
            shouldThrow<SimulatedCrash> { store.create(2, bytes("new"), 0) }
            val seen = (0L until 500).mapTo(HashSet()) { disk.image(it).names() - "LOCK" }
            seen shouldContainExactlyInAnyOrder listOf(
                listOf("00000000000000000001.wal"),
                listOf("00000000000000000001.wal", "00000000000000000002.wal"),
                listOf("00000000000000000001.wal", "00000000000000000002.wal.tmp"),
            )
        }

        "a machine that stopped does nothing any more" {
            val disk = SimulatedDisk()
            val store = disk.store()
            val lock = store.lock()
            store.make(1, "h")
            disk.crash(3)
            shouldThrow<SimulatedCrash> { store.make(2, "h") }
            shouldThrow<SimulatedCrash> { store.segments() }
            shouldThrow<SimulatedCrash> { store.open(1) }
            lock.close()
            disk.killImage().store().segments().toList() shouldBe listOf(1L)
        }

        "the n-th call of a kind fails, as often as told" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            disk.fail(2, setOf(DiskCall.RENAME), times = 2, failure = DiskFailure.NO_SPACE)
            store.make(1, "h")
            repeat(2) { shouldThrow<IOException> { store.make(2, "h") }.message shouldNotBe null }
            store.make(2, "h")
            disk.count(DiskCall.RENAME) shouldBe 4
        }

        "the hook sees every call before it is done, and may take an image" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            val images = ArrayList<SimulatedDisk>()
            var last = 0
            disk.beforeCall = CallWatcher { call, _, index ->
                (index > last) shouldBe true
                last = index
                if (call in DiskCall.MUTATIONS) images.add(disk.image(index.toLong()))
            }
            store.make(1, "h")
            disk.beforeCall = null
            images.forEach { it.store().segments().size shouldBeIn listOf(0, 1) }
            images.first().store().segments().size shouldBe 0
        }

        "a disk that is full writes what fits and then nothing" {
            val disk = disk()
            disk.capacityBytes = 10
            disk.open { file ->
                file.write(bytes("x".repeat(8)), 0) shouldBe 8
                file.write(bytes("y".repeat(8)), 8) shouldBe 2
                shouldThrow<IOException> { file.write(bytes("z"), 10) }
                file.write(bytes("z".repeat(10)), 0) shouldBe 10
                file.truncate(5)
                file.write(bytes("z"), 5) shouldBe 1
            }
            disk.usedBytes shouldBe 6
        }

        "some losses of power take whole blocks of 4 KiB, others sectors" {
            val disk = disk()
            disk.open { file ->
                file.write(bytes("-".repeat(2 * 4096)), 0)
                file.sync(true)
                for (sector in 0L..15) file.write(bytes("x".repeat(512)), sector * 512)
            }
            val seen = (0L until 3000).map { seed ->
                disk.image(seed).bytes(first).toList().chunked(4096).map { it.toSet().size }
            }
            seen.count { it == listOf(1, 1) } shouldBeGreaterThan 500
            seen.count { 2 in it } shouldBeGreaterThan 500
            val blocks = (0L until 3000).mapTo(HashSet()) { seed ->
                disk.image(seed).bytes(first).toList().chunked(4096).joinToString("") { block ->
                    if (block.toSet().size > 1) "?" else block.first().toInt().toChar().toString()
                }
            }
            blocks shouldContainAll setOf("--", "-x", "x-", "xx")
        }

        "with ordered metadata names and sizes survive up to one moment, sizes with their data" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            disk.seam.create(SimulatedDisk.DIRECTORY.resolve("a"), true).use { it.write(bytes("a".repeat(1000)), 0) }
            disk.seam.create(SimulatedDisk.DIRECTORY.resolve("b"), true).use { it.write(bytes("b".repeat(1000)), 0) }
            val seen = (0L until 500).mapTo(HashSet()) { seed ->
                val left = disk.image(seed, Strictness.ORDERED_METADATA)
                (left.names() - "LOCK").map { left.bytes(SimulatedDisk.DIRECTORY.resolve(it)).decodeToString() }
            }
            val a = "a".repeat(1000)
            val b = "b".repeat(1000)
            seen shouldBe setOf(emptyList(), listOf(""), listOf(a), listOf(a, ""), listOf(a, b))
        }

        "with ordered metadata a flush brings along what was changed before it, anywhere" {
            val disk = SimulatedDisk()
            val store = disk.store()
            store.lock()
            val file = SimulatedDisk.DIRECTORY.resolve("a")
            disk.seam.create(file, true).close()
            disk.seam.create(SimulatedDisk.DIRECTORY.resolve("b"), true).use {
                it.write(bytes("b"), 0)
                it.sync(true)
            }
            for (seed in 0L until 100) {
                disk.image(seed, Strictness.ORDERED_METADATA).names() shouldContainAll listOf("a", "b")
            }
            (0L until 100).any { "a" !in disk.image(it).names() } shouldBe true
        }

        "with ordered metadata older data may still be written over in part" {
            val disk = disk()
            disk.open { file ->
                file.write(bytes("-".repeat(1024)), 0)
                file.sync(true)
                file.write(bytes("x".repeat(1024)), 0)
            }
            val seen = (0L until 200).mapTo(HashSet()) { seed ->
                disk.image(seed, Strictness.ORDERED_METADATA).bytes(first).toList().chunked(512).map {
                    it.toSet().single()
                }
            }
            seen.size shouldBe 4
        }

        "a process that is killed leaves everything, at each seed" {
            val disk = disk()
            disk.open { it.write(bytes("x"), 0) }
            for (seed in 0L until 20) {
                disk.image(seed, Strictness.PROCESS_KILL).bytes(first).decodeToString() shouldBe "x"
            }
        }

        "a file of two names is one file, also after a loss of power" {
            val disk = disk()
            val other = Path.of("/other/name").toAbsolutePath()
            disk.put(other.resolveSibling("neighbour"), ByteArray(0))
            disk.seam.link(first, other) shouldBe true
            disk.seam.linkCount(first) shouldBe 2
            disk.open { it.write(bytes("x"), 0) }
            disk.usedBytes shouldBe 1
            val left = (0L until 50).map { disk.image(it) }.filter { "name" in it.names(other.parent) }
            left.size shouldBeGreaterThan 10
            left.forEach { it.bytes(other).toList() shouldBe it.bytes(first).toList() }
            left.forEach { it.seam.linkCount(other) shouldBe 2 }
        }

        "each failure has the message of its errno" {
            val disk = disk()
            val messages = DiskFailure.entries.map { failure ->
                disk.fail(1, setOf(DiskCall.OPEN), failure = failure)
                shouldThrow<IOException> { disk.open { } }.also { disk.heal() }
            }
            messages.map { it::class.simpleName + " " + it.message?.substringAfter(": ", "") } shouldBe listOf(
                "FileSystemException Input/output error",
                "FileSystemException No space left on device",
                "FileSystemException Too many open files",
                "FileSystemException Disk quota exceeded",
                "AccessDeniedException ",
            )
        }

        "the n-th transfer is short, as often as told" {
            val disk = disk()
            disk.open { file ->
                disk.shorten(2, setOf(DiskCall.WRITE), times = 2)
                val written = List(4) { file.write(bytes("x".repeat(100)), it * 100L) }
                written.map { it == 100 } shouldBe listOf(true, false, false, true)
                written.all { it > 0 } shouldBe true
                disk.shorten(1)
                (file.read(ByteBuffer.allocate(100), 0) in 1..99) shouldBe true
                file.read(ByteBuffer.allocate(100), 0) shouldBe 100
            }
        }

        "one bit flips, in the cache and on the platter" {
            val disk = disk().apply { put(first, byteArrayOf(0, 0, 0)) }
            disk.flipBit(first, 10)
            disk.bytes(first) shouldBe byteArrayOf(0, 4, 0)
            disk.platterBytes(first) shouldBe byteArrayOf(0, 4, 0)
            shouldThrow<IllegalArgumentException> { disk.flipBit(first, 24) }
        }

        "a tail of zeros grows" {
            val disk = disk().apply { put(first, byteArrayOf(1)) }
            disk.growZeros(first, 600)
            disk.platterBytes(first) shouldBe byteArrayOf(1) + ByteArray(600)
        }

        "a stale block shows what it held before the last flush" {
            val disk = disk()
            disk.open { file ->
                file.write(bytes("-".repeat(3 * 4096)), 0)
                file.sync(true)
                file.write(bytes("x".repeat(2 * 4096)), 0)
                file.sync(true)
            }
            val before = disk.bytes(first).decodeToString()
            val seen = (0L until 20).mapTo(HashSet()) { seed ->
                val left = disk.image(0)
                val position = left.staleBlock(first, seed)
                val block = "-".repeat(4096)
                left.bytes(first).decodeToString() shouldBe
                    before.replaceRange(position.toInt(), position.toInt() + 4096, block)
                position
            }
            seen shouldBe setOf(0L, 4096L)
            disk().apply { put(first, byteArrayOf()) }.staleBlock(first, 1) shouldBe -1
        }

        "the same seeds and calls give the same bytes" {
            fun run(seed: Long): List<String> {
                val disk = SimulatedDisk(seed).apply { shortTransfers = true }
                val store = disk.store()
                store.lock()
                val random = Random(seed)
                val writer = store.create(1, bytes("header"), 3000)
                repeat(50) { writer.append(bytes("x".repeat(random.nextInt(100)))) }
                return (0L until 20).map { disk.image(it).store().text(1) } + "${disk.count()}"
            }
            run(5) shouldBe run(5)
            run(5) shouldNotBe run(6)
        }
    })

/** Opens the first segment's file below the store. */
private fun SimulatedDisk.open(use: (DiskFile) -> Unit) = seam.openForWriting(first).use(use)
