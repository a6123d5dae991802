package dev.kwal.storage

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException
import java.nio.file.FileAlreadyExistsException
import java.nio.file.FileSystemException
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.attribute.PosixFilePermissions
import kotlin.io.path.createDirectory
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.getPosixFilePermissions
import kotlin.io.path.isSymbolicLink
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.writeText

private val hasPosixModes = "posix" in Path.of("").fileSystem.supportedFileAttributeViews()

/** What every store of snapshots keeps, and how the one of files does. */
class SnapshotStoreSpec :
    StringSpec({
        fun directory(): Path = tempdir().toPath().resolve("log").resolve("snapshots")

        fun everyStore(check: (SnapshotStore) -> Unit) =
            listOf(MemorySnapshotStore(), FileSnapshotStore.of(directory())).forEach {
                withClue("$it") { check(it) }
            }

        fun SnapshotStore.put(sequence: Long, text: String) = create(sequence) { it.write(text.toByteArray()) }

        fun SnapshotStore.text(sequence: Long) = open(sequence).use { it.readBytes().decodeToString() }

        "what is written is listed in order and read as it was" {
            everyStore { store ->
                store.snapshots().toList() shouldBe emptyList()
                listOf(10L, 9L, Long.MAX_VALUE).forEach { store.put(it, "snapshot $it") }
                store.put(1, "")
                store.snapshots().toList() shouldBe listOf(1L, 9L, 10L, Long.MAX_VALUE)
                store.text(9) shouldBe "snapshot 9"
                store.text(1) shouldBe ""
                store.open(10).use { it.read() shouldBe 's'.code }
            }
        }

        "a snapshot is never replaced, and content that throws leaves nothing" {
            everyStore { store ->
                store.put(1, "one")
                shouldThrow<FileAlreadyExistsException> { store.put(1, "other") }
                store.text(1) shouldBe "one"
                shouldThrow<IOException> {
                    store.create(2) {
                        it.write(ByteArray(100_000))
                        throw IOException("mine")
                    }
                }.message shouldBe "mine"
                store.snapshots().toList() shouldBe listOf(1L)
                store.put(2, "two")
            }
        }

        "what is deleted is gone, and what is not there is said to be missing" {
            everyStore { store ->
                store.put(1, "one")
                store.delete(1)
                shouldThrow<NoSuchFileException> { store.open(1) }
                shouldThrow<NoSuchFileException> { store.delete(1) }
                shouldThrow<IllegalArgumentException> { store.put(0, "none") }
            }
        }

        "snapshots that are longer than every buffer come back as they were, on interrupted threads too" {
            everyStore { store ->
                val bytes = ByteArray(300_000) { (it * 31).toByte() }
                Thread.currentThread().interrupt()
                try {
                    store.create(1) { target -> bytes.asList().chunked(7_000).forEach { target.write(it.toByteArray()) } }
                    store.open(1).use { it.readBytes().contentEquals(bytes) } shouldBe true
                } finally {
                    Thread.interrupted() shouldBe true
                }
            }
        }

        "files and directories are for their owner alone" {
            val directory = directory()
            FileSnapshotStore.of(directory).put(1, "one")
            if (hasPosixModes) {
                val file = directory.listDirectoryEntries().single()
                file.name shouldBe "00000000000000000001.snapshot"
                file.getPosixFilePermissions() shouldBe PosixFilePermissions.fromString("rw-------")
                directory.getPosixFilePermissions() shouldBe PosixFilePermissions.fromString("rwx------")
            }
        }

        "names of other shapes are no snapshots, and half-written ones go with the next" {
            val directory = directory()
            val store = FileSnapshotStore.of(directory)
            store.put(1, "one")
            val strangers = listOf("notes.txt", "2.snapshot", "../x".replace("/", "_"), "00000000000000000002.wal")
            strangers.forEach { directory.resolve(it).writeText("mine") }
            directory.resolve("00000000000000000002.snapshot.tmp").writeText("half")
            directory.resolve("00000000000000000003.snapshot.tmp").createDirectory()
            store.snapshots().toList() shouldBe listOf(1L)
            store.put(2, "two")
            directory.listDirectoryEntries().map { it.name }.sorted() shouldBe
                (
                    strangers + "00000000000000000001.snapshot" + "00000000000000000002.snapshot" +
                        "00000000000000000003.snapshot.tmp"
                ).sorted()
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
