package dev.kwal.storage

import dev.kwal.storage.contract.bytes
import dev.kwal.storage.contract.make
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException
import java.nio.channels.NonWritableChannelException
import java.nio.file.FileSystemException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.concurrent.thread
import kotlin.io.path.createDirectory
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.getPosixFilePermissions
import kotlin.io.path.isSymbolicLink
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readText
import kotlin.io.path.setPosixFilePermissions
import kotlin.io.path.writeText

private val descriptors = Path.of("/proc/self/fd")
private val hasPosixModes = "posix" in Path.of("").fileSystem.supportedFileAttributeViews()

/** The files of a store on the real disk. */
class FileStoreFilesSpec :
    StringSpec({
        fun directory(): Path = tempdir().toPath().resolve("wal")

        "only names of twenty digits are segments" {
            mapOf(
                "00000000000000000001.wal" to 1L,
                "00000000000000000123.wal" to 123L,
                "09223372036854775807.wal" to Long.MAX_VALUE,
                "09223372036854775808.wal" to 0L,
                "99999999999999999999.wal" to 0L,
                "00000000000000000000.wal" to 0L,
                "0000000000000000001.wal" to 0L,
                "000000000000000000001.wal" to 0L,
                "+0000000000000000001.wal" to 0L,
                "-0000000000000000001.wal" to 0L,
                "0000000000000000000١.wal" to 0L,
                "00000000000000000001.WAL" to 0L,
                "00000000000000000001.wal.tmp" to 0L,
                "pool-00000000000000000001.free" to 0L,
                "" to 0L,
            ).forEach { (name, sequence) -> FileNames.sequenceOf(name) shouldBe sequence }
        }

        "every sequence has a name that gives it back" {
            listOf(1L, 10, 999, Long.MAX_VALUE).forEach {
                FileNames.sequenceOf(FileNames.segment(it)) shouldBe it
                FileNames.isLeftover(FileNames.temporary(it)) shouldBe true
                FileNames.isLeftover(FileNames.pooled(it)) shouldBe true
                FileNames.isLeftover(FileNames.segment(it)) shouldBe false
            }
        }

        "a symbolic link in the place of a segment is refused and stays" {
            val directory = directory()
            val store = FileStore.of(directory)
            store.lock().use {
                val target = directory.resolve("target")
                target.writeText("content")
                val link = directory.resolve("00000000000000000001.wal").createSymbolicLinkPointingTo(target)
                shouldThrow<FileSystemException> { store.segments() }.message shouldContain "a regular file"
                shouldThrow<FileSystemException> { store.open(1) }
                shouldThrow<FileSystemException> { store.resume(1, 0, 0) }
                shouldThrow<FileSystemException> { store.delete(1) }
                shouldThrow<FileSystemException> { store.create(1, bytes("h"), 0) }
                link.isSymbolicLink() shouldBe true
                target.readText() shouldBe "content"
            }
        }

        "a link that takes a segment's place after it was looked at is not followed" {
            val directory = directory().createDirectory()
            val target = directory.resolve("target")
            target.writeText("content")
            val link = directory.resolve("link").createSymbolicLinkPointingTo(target)
            shouldThrow<IOException> { NioDisk.INSTANCE.openForReading(link) }
            shouldThrow<IOException> { NioDisk.INSTANCE.openForWriting(link) }
        }

        "a directory in the place of a segment is refused" {
            val directory = directory()
            val store = FileStore.of(directory)
            store.lock().use {
                directory.resolve("00000000000000000001.wal").createDirectory()
                shouldThrow<FileSystemException> { store.segments() }.message shouldContain "a regular file"
                shouldThrow<FileSystemException> { store.open(1) }.message shouldContain "a regular file"
            }
        }

        "files and directories are for their owner alone".config(enabled = hasPosixModes) {
            val directory = directory().resolve("a").resolve("b")
            val store = FileStore.of(directory)
            store.lock().use {
                store.make(1, "h")
                listOf(directory, directory.parent, directory.parent.parent).forEach { it.modes() shouldBe "rwx------" }
                directory.listDirectoryEntries().map { it.name } shouldContainExactlyInAnyOrder
                    listOf("00000000000000000001.wal", "LOCK", "RESERVE")
                directory.listDirectoryEntries().forEach { it.modes() shouldBe "rw-------" }
            }
        }

        "modes are the process's affair when told so, and those of existing directories always".config(
            enabled = hasPosixModes,
        ) {
            val directory = directory().createDirectory()
            directory.setPosixFilePermissions(PosixFilePermissions.fromString("rwxr-x---"))
            val store = FileStore.of(directory).withOwnerOnly(false)
            store.lock().use {
                store.make(1, "h")
                Files.createFile(directory.resolve("probe"))
                directory.resolve("00000000000000000001.wal").modes() shouldBe directory.resolve("probe").modes()
            }
            FileStore.of(directory).lock().close()
            directory.modes() shouldBe "rwxr-x---"
        }

        "a reader cannot write" {
            val directory = directory()
            val store = FileStore.of(directory)
            store.lock().use {
                store.make(1, "h")
                NioDisk.INSTANCE.openForReading(directory.resolve(FileNames.segment(1))).use {
                    shouldThrow<NonWritableChannelException> { it.write(bytes("x"), 0) }
                }
            }
        }

        "no descriptor stays open".config(enabled = Files.isDirectory(descriptors)) {
            val directory = directory()
            val store = FileStore.of(directory).withRecycling(2)
            fun useAll() {
                store.lock().use {
                    for (sequence in 1L..4) {
                        store.make(sequence, "header")
                        store.resume(sequence, 1, 0).close()
                        store.open(sequence).use { reader -> reader.size() }
                        runCatching { store.create(sequence, bytes("h"), 0) }
                        runCatching { store.open(99) }
                        runCatching { store.resume(sequence, 1_000_000, 0) }
                        runCatching { FileStore.of(directory).lock() }
                    }
                    for (sequence in 1L..4) store.delete(sequence)
                }
            }
            useAll()
            val before = descriptorsBelow(directory)
            repeat(5) { useAll() }
            descriptorsBelow(directory) shouldBe before
            before shouldBe 0
        }

        "a thread that is interrupted all the time writes and reads all the same" {
            val store = FileStore.of(directory())
            store.lock().use {
                val writing = Thread.currentThread()
                val done = AtomicBoolean()
                val interrupting = thread { while (!done.get()) writing.interrupt() }
                try {
                    for (sequence in 1L..5) {
                        store.create(sequence, bytes("h"), 10_000).use { writer ->
                            repeat(20) {
                                writer.append(bytes("0123456789"))
                                writer.sync()
                            }
                        }
                        store.open(sequence).use { it.size() shouldBe 201 }
                        if (sequence > 1) store.delete(sequence - 1)
                    }
                } finally {
                    done.set(true)
                    while (interrupting.isAlive) runCatching { interrupting.join() }
                    Thread.interrupted()
                }
                store.segments().toList() shouldBe listOf(5L)
            }
        }
    })

private fun Path.modes(): String = PosixFilePermissions.toString(getPosixFilePermissions())

private fun descriptorsBelow(directory: Path): Int =
    descriptors.listDirectoryEntries().count { entry ->
        runCatching { Files.readSymbolicLink(entry).startsWith(directory) }.getOrDefault(false)
    }
