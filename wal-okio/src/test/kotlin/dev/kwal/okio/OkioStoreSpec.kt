package dev.kwal.okio

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.storage.FileStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.StoreLockedException
import dev.kwal.storage.WalStore
import dev.kwal.storage.contract.Medium
import dev.kwal.storage.contract.StoreContract
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import okio.ByteString.Companion.encodeUtf8
import okio.FileHandle
import okio.FileSystem
import okio.ForwardingFileSystem
import okio.IOException
import okio.Path
import okio.Path.Companion.toOkioPath
import okio.Path.Companion.toPath
import okio.fakefilesystem.FakeFileSystem
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread

/** The contract on the real disk. */
class SystemOkioStoreSpec : StoreContract({ OkioPlace(FileSystem.SYSTEM, temporaryDirectory()) })

/** The contract where open files can be deleted. */
class UnixOkioStoreSpec : StoreContract({ OkioPlace(FakeFileSystem().apply { emulateUnix() }, "/wal/a/b".toPath()) })

/** The contract where open files can neither be moved nor deleted. */
class WindowsOkioStoreSpec : StoreContract({
    OkioPlace(FakeFileSystem().apply { emulateWindows() }, "F:\\wal".toPath())
})

/** What is the store's own affair. */
class OkioStoreSpec :
    StringSpec({
        "only the system's own file system promises to survive a loss of power" {
            OkioStore(FileSystem.SYSTEM, "/wal".toPath()).capabilities() shouldBe StoreCapabilities.DURABLE
            OkioStore(FakeFileSystem(), "/wal".toPath()).capabilities() shouldBe StoreCapabilities.PROCESS_CRASH_ONLY
            OkioStore(object : ForwardingFileSystem(SYSTEM) {}, "/wal".toPath()).capabilities() shouldBe
                StoreCapabilities.PROCESS_CRASH_ONLY
        }

        "a segment left half made is cleared away" {
            val fileSystem = FakeFileSystem()
            val directory = "/wal".toPath()
            val unfinished = directory / "00000000000000000001.wal.tmp"
            val foreign = directory / "1.wal.tmp"
            fileSystem.createDirectories(directory)
            listOf(unfinished, foreign).forEach { file -> fileSystem.write(file) { writeUtf8("half") } }
            OkioStore(fileSystem, directory).lock().close()
            fileSystem.list(directory) shouldBe listOf(foreign)
        }

        "a file has the name of a segment only when its header was flushed" {
            val fileSystem = FaultyFileSystem()
            val store = OkioStore(fileSystem, "/wal".toPath())
            store.lock().use {
                val segmentsAtFlush = ArrayList<Long>()
                fileSystem.onFlush = { segmentsAtFlush.addAll(store.segments().toList()) }
                store.create(1, ByteBuffer.wrap("header".toByteArray()), 0).use {
                    segmentsAtFlush shouldBe emptyList()
                    it.sync()
                    segmentsAtFlush shouldBe listOf(1L)
                }
            }
        }

        "one who reads does not wait for a sync" {
            val fileSystem = FaultyFileSystem()
            val store = OkioStore(fileSystem, "/wal".toPath())
            val syncs = CountDownLatch(1)
            val goOn = CountDownLatch(1)
            store.lock().use {
                store.create(1, ByteBuffer.wrap("header".toByteArray()), 0).use { writer ->
                    fileSystem.onFlush = {
                        syncs.countDown()
                        goOn.await()
                    }
                    val syncing = thread { writer.sync() }
                    syncs.await()
                    val bytes = ByteBuffer.allocate(6)
                    store.open(1).use { it.read(0, bytes) } shouldBe 6
                    syncing.isAlive shouldBe true
                    goOn.countDown()
                    syncing.join()
                }
            }
        }

        "reads that come short are put together" {
            val fileSystem = FaultyFileSystem()
            val store = OkioStore(fileSystem, "/wal".toPath())
            store.lock().use {
                store.create(1, ByteBuffer.wrap("header".toByteArray()), 0).close()
                fileSystem.fault = Fault.SHORT_READ
                listOf(ByteBuffer.allocate(9), ByteBuffer.allocateDirect(9)).forEach { target ->
                    store.open(1).use { it.read(1, target) } shouldBe 5
                    Charsets.UTF_8.decode(target.flip()).toString() shouldBe "eader"
                }
            }
        }

        "a failed create leaves nothing behind and can be tried again" {
            val fileSystem = FaultyFileSystem()
            val store = OkioStore(fileSystem, "/wal".toPath())
            store.lock().use {
                for (fault in Fault.entries - Fault.SHORT_READ) {
                    fileSystem.fault = fault
                    shouldThrow<IOException> { store.create(1, ByteBuffer.wrap("header".toByteArray()), 0) }
                    fileSystem.fault = null
                    fileSystem.list("/wal".toPath()) shouldBe emptyList()
                }
                store.create(1, ByteBuffer.wrap("header".toByteArray()), 0).close()
            }
        }

        "a writer that failed touches the file no more" {
            val fileSystem = FaultyFileSystem()
            val store = OkioStore(fileSystem, "/wal".toPath())
            store.lock().use {
                for (fault in listOf(Fault.WRITE, Fault.SHORT_WRITE, Fault.FLUSH)) {
                    val writer = store.create(1, ByteBuffer.wrap("header".toByteArray()), 0)
                    fileSystem.fault = fault
                    shouldThrow<IOException> {
                        writer.append(ByteBuffer.wrap("abc".toByteArray()))
                        writer.sync()
                    }
                    fileSystem.fault = null
                    shouldThrow<IOException> { writer.append(ByteBuffer.wrap("abc".toByteArray())) }
                    shouldThrow<IOException> { writer.sync() }
                    writer.close()
                    store.delete(1)
                }
            }
        }

        "the directory of a file store is one of this store, too, and they keep each other out" {
            temporaryDirectory().let { directory ->
                val files = FileStore.of(directory.toNioPath())
                val okio = OkioStore(FileSystem.SYSTEM, directory)
                files.lock().use {
                    files.create(7, ByteBuffer.wrap("header".toByteArray()), 0).close()
                    shouldThrow<StoreLockedException> { okio.lock() }
                }
                okio.lock().use {
                    okio.segments().toList() shouldBe listOf(7L)
                    okio.create(8, ByteBuffer.wrap("header".toByteArray()), 0).close()
                    shouldThrow<StoreLockedException> { files.lock() }
                }
                files.segments().toList() shouldBe listOf(7L, 8L)
            }
        }

        "a segment on the system's file system is for its owner alone" {
            val directory = temporaryDirectory()
            if ("posix" in directory.toNioPath().fileSystem.supportedFileAttributeViews()) {
                val store = OkioStore(FileSystem.SYSTEM, directory)
                store.lock().use { store.create(1, ByteBuffer.wrap("header".toByteArray()), 0).close() }
                val file = directory / "00000000000000000001.wal"
                PosixFilePermissions.toString(Files.getPosixFilePermissions(file.toNioPath())) shouldBe "rw-------"
            }
        }

        "a log on a decorated system file system refuses SYNCED, and says why and what to do" {
            val decorated = object : ForwardingFileSystem(SYSTEM) {
                override fun toString() = "Decorated"
            }
            Wal.open(OkioStore(decorated, temporaryDirectory()), WalOptions.DEFAULT).use { log ->
                val message = shouldThrow<IllegalArgumentException> { log.appendAndSync("a".encodeUtf8()) }.message
                message shouldContain "level SYNCED, because it does not promise to survive a loss of power: OkioStore("
                message shouldContain ", which is not on FileSystem.SYSTEM itself; ask for WRITTEN or BUFFERED, or open"
                log.append("a".encodeUtf8()) shouldBe 1
            }
        }

        "a relative directory is taken from where the process was started" {
            val directory = Files.createTempDirectory(java.nio.file.Path.of("target"), "relative").toOkioPath() / "a"
            directory.isRelative shouldBe true
            repeat(2) { round ->
                Wal.open(OkioStore(FileSystem.SYSTEM, directory), WalOptions.DEFAULT).use { log ->
                    log.appendAndSync("a".encodeUtf8()) shouldBe round + 1L
                    log.rotate()
                    log.checkpoint(round.toLong())
                }
            }
            val absolute = directory.toNioPath().toAbsolutePath()
            Wal.openReadOnly(absolute).use { log -> log.lastLsn() shouldBe 2 }
        }

        "a log keeps byte strings" {
            val directory = temporaryDirectory()
            Wal.open(OkioStore(FileSystem.SYSTEM, directory), WalOptions.DEFAULT).use { log ->
                log.append("a".encodeUtf8()) shouldBe 1
                log.append("b".encodeUtf8(), Durability.BUFFERED) shouldBe 2
                log.appendAndSync("c".encodeUtf8()) shouldBe 3
            }
            Wal.open(directory.toNioPath()).use { log ->
                (1L..3L).map { log.read(it).toByteString().utf8() } shouldBe listOf("a", "b", "c")
            }
        }
    })

internal enum class Fault { WRITE, SHORT_WRITE, SHORT_READ, FLUSH, MOVE }

/** Fails, or does too little, on demand. */
internal class FaultyFileSystem : ForwardingFileSystem(FakeFileSystem().apply { emulateUnix() }) {
    var fault: Fault? = null
    var onFlush: () -> Unit = {}

    override fun atomicMove(source: Path, target: Path) {
        if (fault == Fault.MOVE) throw IOException("cannot move")
        super.atomicMove(source, target)
    }

    override fun openReadWrite(file: Path, mustCreate: Boolean, mustExist: Boolean): FileHandle {
        val handle = super.openReadWrite(file, mustCreate, mustExist)
        return object : FileHandle(true) {
            override fun protectedRead(fileOffset: Long, array: ByteArray, arrayOffset: Int, byteCount: Int) =
                handle.read(fileOffset, array, arrayOffset, if (fault == Fault.SHORT_READ) 1 else byteCount)

            override fun protectedWrite(fileOffset: Long, array: ByteArray, arrayOffset: Int, byteCount: Int) {
                if (fault == Fault.WRITE) throw IOException("cannot write")
                val count = if (fault == Fault.SHORT_WRITE) byteCount - 1 else byteCount
                handle.write(fileOffset, array, arrayOffset, count)
            }

            override fun protectedFlush() {
                if (fault == Fault.FLUSH) throw IOException("cannot flush")
                onFlush()
                handle.flush()
            }

            override fun protectedResize(size: Long) = handle.resize(size)

            override fun protectedSize() = handle.size()

            override fun protectedClose() = handle.close()
        }
    }
}

private class OkioPlace(private val fileSystem: FileSystem, private val directory: Path) : Medium {
    private val foreign = listOf("1.wal", "00000000000000000001.wal.bak", "README", ".wal").map { directory / it }
    private val folder = directory / "0000000000000000000x.wal"

    override fun store(): WalStore = OkioStore(fileSystem, directory)

    override fun addForeignThings() {
        fileSystem.createDirectories(folder)
        foreign.forEach { file -> fileSystem.write(file) { writeUtf8(file.name) } }
    }

    override fun hasForeignThings() = fileSystem.exists(folder) &&
        foreign.all { file -> fileSystem.read(file) { readUtf8() } == file.name }

    override fun close() = fileSystem.deleteRecursively(directory)
}

private fun temporaryDirectory(): Path = Files.createTempDirectory("kwal-okio").toOkioPath() / "a" / "b"
