package dev.kwal.okio

import dev.kwal.Snapshots
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.storage.FileSnapshotStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SnapshotStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.contract.SnapshotMedium
import dev.kwal.storage.contract.SnapshotStoreContract
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import okio.FileSystem
import okio.IOException
import okio.Path
import okio.Path.Companion.toOkioPath
import okio.Path.Companion.toPath
import okio.buffer
import okio.fakefilesystem.FakeFileSystem
import okio.sink
import okio.source
import java.nio.file.FileAlreadyExistsException
import java.nio.file.FileSystemException
import java.nio.file.Files

/** The contract on the real disk. */
class SystemOkioSnapshotsSpec :
    SnapshotStoreContract({
        OkioSnapshotPlace(FileSystem.SYSTEM, Files.createTempDirectory("kwal-okio").toOkioPath() / "a" / "b")
    })

/** The contract where open files can be deleted. */
class UnixOkioSnapshotsSpec :
    SnapshotStoreContract({ OkioSnapshotPlace(FakeFileSystem().apply { emulateUnix() }, "/wal/a/b".toPath()) })

/** The contract where open files can neither be moved nor deleted. */
class WindowsOkioSnapshotsSpec :
    SnapshotStoreContract({ OkioSnapshotPlace(FakeFileSystem().apply { emulateWindows() }, "F:\\wal".toPath()) })

/** What is the store's own affair. */
class OkioSnapshotStoreSpec :
    StringSpec({
        val directory = "/snapshots".toPath()

        fun SnapshotStore.put(sequence: Long, text: String) = create(sequence) { it.write(text.toByteArray()) }

        "a directory of the system's file system is that of a store of files, too" {
            val place = Files.createTempDirectory("kwal-okio").toOkioPath() / "snapshots"
            OkioSnapshotStore(FileSystem.SYSTEM, place).put(7, "seven")
            FileSnapshotStore.of(place.toNioPath()).open(7).use { it.readBytes().decodeToString() } shouldBe "seven"
        }

        "a file has the name of a snapshot only when it was flushed" {
            val fileSystem = FaultyFileSystem()
            val store = OkioSnapshotStore(fileSystem, directory)
            val namesAtFlush = ArrayList<String>()
            fileSystem.onFlush = { namesAtFlush.addAll(fileSystem.list(directory).map { it.name }) }
            store.put(1, "one")
            namesAtFlush shouldBe listOf("00000000000000000001.snapshot.tmp")
            fileSystem.list(directory).map { it.name } shouldBe listOf("00000000000000000001.snapshot")
        }

        "a failed create leaves nothing behind and can be tried again" {
            val fileSystem = FaultyFileSystem()
            val store = OkioSnapshotStore(fileSystem, directory)
            for (fault in Fault.entries - Fault.SHORT_READ) {
                fileSystem.fault = fault
                shouldThrow<IOException> { store.put(1, "one") }
                fileSystem.fault = null
                fileSystem.list(directory) shouldBe emptyList()
            }
            store.put(1, "one")
        }

        "a write that failed is not forgotten when content does not hear of it" {
            val fileSystem = FaultyFileSystem()
            val store = OkioSnapshotStore(fileSystem, directory)
            fileSystem.fault = Fault.WRITE
            val thrown = shouldThrow<IOException> {
                store.create(1) { target ->
                    runCatching { target.write(ByteArray(100_000)) }
                    fileSystem.fault = null
                }
            }
            thrown.message shouldContain "a write has failed before"
            store.snapshots().toList() shouldBe emptyList()
        }

        "reads that come short are put together" {
            val fileSystem = FaultyFileSystem()
            val store = OkioSnapshotStore(fileSystem, directory)
            store.put(1, "a snapshot")
            fileSystem.fault = Fault.SHORT_READ
            store.open(1).use { it.readBytes().decodeToString() } shouldBe "a snapshot"
        }

        "a directory or a link in the place of a snapshot is refused and stays" {
            val fileSystem = FakeFileSystem().apply { emulateUnix() }
            val store = OkioSnapshotStore(fileSystem, directory)
            store.put(1, "one")
            val target = directory / "target"
            fileSystem.write(target) { writeUtf8("secret") }
            fileSystem.createSymlink(directory / "00000000000000000002.snapshot", target)
            fileSystem.createDirectory(directory / "00000000000000000003.snapshot")
            for (sequence in 2L..3L) {
                shouldThrow<FileSystemException> { store.open(sequence) }.message shouldContain "a regular file"
                shouldThrow<FileSystemException> { store.delete(sequence) }
                shouldThrow<FileAlreadyExistsException> { store.put(sequence, "mine") }
            }
            fileSystem.read(target) { readUtf8() } shouldBe "secret"
        }

        "content goes in and out through sinks and sources" {
            Wal.open(MemoryStore(StoreCapabilities.DURABLE), WalOptions.DEFAULT).use { log ->
                val snapshots = Snapshots.of(log, OkioSnapshotStore(FakeFileSystem(), directory))
                val lsn = log.append("one".toByteArray())
                snapshots.publish(lsn) { target -> target.sink().buffer().use { it.writeUtf8("state").writeLong(lsn) } }
                val recovered = snapshots.recovery().run(
                    { "" },
                    { content -> content.source().buffer().run { readUtf8(5) + readLong() + exhausted() } },
                    { state, _, _ -> state },
                )
                recovered.state shouldBe "state1true"
            }
        }
    })

private class OkioSnapshotPlace(private val fileSystem: FileSystem, private val directory: Path) : SnapshotMedium {
    private val foreign = listOf(
        "1.snapshot",
        "00000000000000000002.snapshot.x",
        "00000000000000000002.wal",
        ".snapshot",
    )
        .map { directory / it }
    private val halfWritten = directory / "00000000000000000001.snapshot.tmp"
    private val folder = directory / "00000000000000000003.snapshot.tmp"

    override fun store(): SnapshotStore = OkioSnapshotStore(fileSystem, directory)

    override fun addForeignThings() {
        fileSystem.createDirectories(folder)
        (foreign + halfWritten).forEach { file -> fileSystem.write(file) { writeUtf8(file.name) } }
    }

    override fun hasForeignThings() = fileSystem.exists(folder) && !fileSystem.exists(halfWritten) &&
        foreign.all { file -> fileSystem.read(file) { readUtf8() } == file.name }

    override fun close() = fileSystem.deleteRecursively(directory)
}
