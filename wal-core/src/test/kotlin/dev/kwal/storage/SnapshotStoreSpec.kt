package dev.kwal.storage

import dev.kwal.storage.contract.SnapshotMedium
import dev.kwal.storage.contract.SnapshotStoreContract
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.FileAlreadyExistsException
import java.nio.file.FileSystemException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.createDirectory
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.deleteRecursively
import kotlin.io.path.exists
import kotlin.io.path.getPosixFilePermissions
import kotlin.io.path.isDirectory
import kotlin.io.path.isSymbolicLink
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readText
import kotlin.io.path.writeText

/** The contract on the real disk. */
class FileSnapshotStoreSpec : SnapshotStoreContract({ SnapshotDirectory() })

class MemorySnapshotStoreSpec :
    SnapshotStoreContract({
        val store = MemorySnapshotStore()
        object : SnapshotMedium {
            override fun store() = store
        }
    })

/** What is the affair of the store of files alone. */
class SnapshotStoreSpec :
    StringSpec({
        fun directory(): Path = tempdir().toPath().resolve("log").resolve("snapshots")

        fun SnapshotStore.put(sequence: Long, text: String) = create(sequence) { it.write(text.toByteArray()) }

        "looking at a store creates nothing" {
            val directory = directory()
            FileSnapshotStore.of(directory).snapshots().toList() shouldBe emptyList()
            directory.parent.exists() shouldBe false
        }

        "files and directories are for their owner alone" {
            val directory = directory()
            FileSnapshotStore.of(directory).put(1, "one")
            if ("posix" in directory.fileSystem.supportedFileAttributeViews()) {
                val file = directory.listDirectoryEntries().single()
                file.name shouldBe "00000000000000000001.snapshot"
                file.getPosixFilePermissions() shouldBe PosixFilePermissions.fromString("rw-------")
                directory.getPosixFilePermissions() shouldBe PosixFilePermissions.fromString("rwx------")
            }
        }

        "a link or a directory in the place of a snapshot is refused and stays" {
            val directory = directory()
            val store = FileSnapshotStore.of(directory)
            store.put(1, "one")
            val target = directory.resolve("target").also { it.writeText("secret") }
            val link = directory.resolve("00000000000000000002.snapshot").createSymbolicLinkPointingTo(target)
            directory.resolve("00000000000000000003.snapshot").createDirectory()
            for (sequence in 2L..3L) {
                shouldThrow<FileSystemException> { store.open(sequence) }.message shouldContain "a regular file"
                shouldThrow<FileSystemException> { store.delete(sequence) }
                shouldThrow<FileAlreadyExistsException> { store.put(sequence, "mine") }
            }
            link.isSymbolicLink() shouldBe true
            Files.readString(target) shouldBe "secret"
        }
    })

private class SnapshotDirectory : SnapshotMedium {
    private val root = Files.createTempDirectory("kwal-snapshots")
    private val directory = root.resolve("a").resolve("b")
    private val foreign = listOf("notes.txt", "2.snapshot", "00000000000000000002.wal", "x.snapshot")
    private val halfWritten = directory.resolve("00000000000000000001.snapshot.tmp")
    private val folder = directory.resolve("00000000000000000003.snapshot.tmp")

    override fun store() = FileSnapshotStore.of(directory)

    override fun addForeignThings() {
        Files.createDirectories(folder)
        foreign.forEach { directory.resolve(it).writeText(it) }
        halfWritten.writeText("half")
    }

    override fun hasForeignThings() =
        foreign.all { directory.resolve(it).readText() == it } && folder.isDirectory() && !halfWritten.exists()

    @OptIn(ExperimentalPathApi::class)
    override fun close() {
        root.deleteRecursively()
    }
}
