package dev.kwal.testkit

import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.okio.OkioStore
import dev.kwal.records
import dev.kwal.storage.contract.Medium
import dev.kwal.storage.contract.StoreContract
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.shouldBe
import okio.FileSystem
import okio.IOException
import okio.Path.Companion.toPath
import java.io.FileNotFoundException

private val directory = "/wal".toPath()

/** The contract on okio's store, over the disk. */
class OkioOnSimulatedDiskSpec :
    StoreContract({
        val fileSystem = SimulatedDisk().fileSystem()
        object : Medium {
            override fun store() = OkioStore(fileSystem, directory)
        }
    })

class OkioWithShortTransfersSpec :
    StoreContract({
        val fileSystem = SimulatedDisk(1).apply { shortTransfers = true }.fileSystem()
        object : Medium {
            override fun store() = OkioStore(fileSystem, directory)
        }
    })

/** The disk as a file system of okio. */
class OkioDiskSpec :
    StringSpec({
        fun fileSystem(): FileSystem = SimulatedDisk().fileSystem().apply { createDirectories("/a/b".toPath()) }

        "files are written, appended to, read, moved over others and deleted" {
            val files = fileSystem()
            val one = "/a/b/one".toPath()
            val two = "/a/two".toPath()
            files.write(one) { writeUtf8("one") }
            files.appendingSink(one).use { it.write(okio.Buffer().writeUtf8("+"), 1) }
            files.write(two) { writeUtf8("two, longer") }
            files.read(one) { readUtf8() } shouldBe "one+"
            files.metadata(one).size shouldBe 4
            files.atomicMove(one, two)
            files.read(two) { readUtf8() } shouldBe "one+"
            files.list("/a".toPath()) shouldBe listOf("/a/b".toPath(), two)
            files.list("/a/b".toPath()) shouldBe emptyList()
            files.write(two) { writeUtf8("x") }
            files.metadata(two).size shouldBe 1
            files.delete(two)
            files.exists(two) shouldBe false
        }

        "what is missing is told as okio tells it" {
            val files = fileSystem()
            val missing = "/a/missing".toPath()
            files.metadataOrNull(missing) shouldBe null
            files.listOrNull(missing) shouldBe null
            shouldThrow<FileNotFoundException> { files.openReadOnly(missing) }
            shouldThrow<FileNotFoundException> { files.openReadWrite(missing, mustExist = true) }
            shouldThrow<FileNotFoundException> { files.delete(missing, mustExist = true) }
            shouldThrow<FileNotFoundException> { files.atomicMove(missing, "/a/x".toPath()) }
            files.delete(missing)
            shouldThrow<IOException> { files.delete("/a".toPath()) }
            shouldThrow<IOException> { files.openReadWrite("/a/b".toPath(), mustCreate = true) }
        }

        "a handle grows with zeros, and is cut" {
            val files = fileSystem()
            files.openReadWrite("/a/x".toPath()).use { handle ->
                handle.write(0, byteArrayOf(1), 0, 1)
                handle.resize(3)
                handle.size() shouldBe 3
                handle.resize(1)
                handle.size() shouldBe 1
            }
        }

        "only what a handle flushed is on the platter" {
            val disk = SimulatedDisk()
            val file = SimulatedDisk.segment(1)
            disk.put(file, byteArrayOf(0))
            disk.fileSystem().openReadWrite("$file".toPath()).use { handle ->
                handle.write(0, byteArrayOf(1), 0, 1)
                handle.flush()
                handle.write(0, byteArrayOf(2), 0, 1)
            }
            disk.platterBytes(file) shouldBe byteArrayOf(1)
            (0L until 50).map { disk.image(it).bytes(file).single().toInt() }.toSet() shouldBe setOf(1, 2)
        }

        "calls fail as they do for a store" {
            val disk = SimulatedDisk()
            disk.fail(1, setOf(DiskCall.CREATE_DIRECTORY), failure = DiskFailure.QUOTA)
            shouldThrow<IOException> { disk.fileSystem().createDirectory(directory) }
        }

        "a log over okio comes back with what it wrote when the process is killed, wherever that is" {
            CrashExplorer { OkioLog() }.withStrictness(Strictness.PROCESS_KILL).explore()
        }
    })

private class OkioLog : CrashScenario {
    private val options = WalOptions.DEFAULT.withSegmentBytes(1024)
    private val written = ArrayList<String>()

    override fun run(disk: SimulatedDisk) {
        Wal.open(OkioStore(disk.fileSystem(), directory), options).use { log ->
            for (number in 1..8) {
                log.append("$number".padEnd(200).toByteArray())
                written.add("$number".padEnd(200))
            }
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) {
        Wal.open(OkioStore(survivors.fileSystem(), directory), options).use { log ->
            log.records().size shouldBeIn listOf(written.size, written.size + 1)
            log.records().take(written.size) shouldBe written
        }
    }
}
