package dev.kwal

import dev.kwal.storage.FileStore
import dev.kwal.storage.StoreLockedException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.FileSystemException
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.createFile
import kotlin.io.path.exists
import kotlin.io.path.isDirectory
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.readText
import kotlin.io.path.writeText

/** Who may open a log, and where a log can be. */
class OwnerSpec :
    StringSpec({
        "a second open of a directory in this process is refused, and the owner goes on" {
            inDirectory { directory ->
                Wal.open(directory).use { owner ->
                    owner.append("a".toByteArray())
                    shouldThrow<StoreLockedException> { Wal.open(directory) }.message shouldContain "$directory"
                    owner.append("b".toByteArray())
                    owner.records() shouldBe listOf("a", "b")
                }
            }
        }

        "a second open by another path to the same directory is refused, too" {
            inDirectory { directory ->
                Wal.open(directory.resolve("log")).use {
                    shouldThrow<StoreLockedException> { Wal.open(directory.resolve("other/../log")) }
                }
            }
        }

        "an open that was refused leaves no lock" {
            inDirectory { directory ->
                val owner = Wal.open(directory)
                shouldThrow<StoreLockedException> { Wal.open(directory) }
                owner.close()
                Wal.open(directory).close()
            }
        }

        "a close gives the directory up, a failed open too" {
            inDirectory { directory ->
                val file = directory.resolve("00000000000000000001.wal").apply { writeText("x".repeat(100)) }
                shouldThrow<WalFormatException> { Wal.open(directory) }
                Files.delete(file)
                Wal.open(directory).close()
                Wal.open(directory).close()
            }
        }

        "a log opens in a directory that is not there yet, and makes those above it" {
            inDirectory { directory ->
                val deep = directory.resolve("a/b/c")
                Wal.open(deep).use { it.appendAndSync("a".toByteArray()) }
                deep.isDirectory() shouldBe true
            }
        }

        "a file in the place of the directory is a clear error, and stays" {
            inDirectory { directory ->
                val file = directory.resolve("file").apply { writeText("text") }
                shouldThrow<FileSystemException> { Wal.open(file) }.message shouldContain "$file"
                file.readText() shouldBe "text"
            }
        }

        "a file in the place of a directory above is a clear error" {
            inDirectory { directory ->
                val file = directory.resolve("file").createFile()
                shouldThrow<FileSystemException> { Wal.open(file.resolve("log")) }.message shouldContain "$file"
            }
        }

        "a path with .. in it is the directory that it names, and nothing else is made" {
            inDirectory { directory ->
                Wal.open(directory.resolve("x/../log")).use { it.appendAndSync("a".toByteArray()) }
                directory.listDirectoryEntries().map { "${it.fileName}" }.filter { it != "x" } shouldBe listOf("log")
                Wal.open(directory.resolve("log")).use { it.records() shouldBe listOf("a") }
            }
        }

        "the name of a segment never leads out of the directory" {
            inDirectory { directory ->
                val store = FileStore.of(directory)
                shouldThrow<IllegalArgumentException> { store.open(-1) }
                shouldThrow<IllegalArgumentException> { store.delete(0) }
                directory.listDirectoryEntries() shouldHaveSize 0
            }
        }

        "a lock file that somebody left is no hindrance" {
            inDirectory { directory ->
                directory.resolve("LOCK").writeText("pid 1\n")
                Wal.open(directory).use { it.append("a".toByteArray()) shouldBe 1 }
            }
        }

        "twenty openings with one append each make twenty records" {
            inDirectory { directory ->
                for (lsn in 1L..20L) {
                    Wal.open(directory).use { it.append("r$lsn".toByteArray()) shouldBe lsn }
                }
                Wal.open(directory).use { it.records() shouldBe List(20) { "r${it + 1}" } }
            }
        }

        "a log on real files does what a log in memory does" {
            inDirectory { directory ->
                val log = LogFixture(FileStore.of(directory))
                log.writeLarge(6).sync().checkpoint(3).truncateAfter(5).write("six").close()
                log.reopen().records() shouldBe listOf(largeRecord(4), largeRecord(5), "six")
                log.reopen().records() shouldBe listOf(largeRecord(4), largeRecord(5), "six")
                log.close()
                Path.of("$directory/RESERVE").exists() shouldBe true
            }
        }

        "a recycled segment never gives back what it held before" {
            inDirectory { directory ->
                val log = LogFixture(FileStore.of(directory).withRecycling(2))
                repeat(20) { log.writeLarge(4).sync().checkpoint(log.wal.lastLsn() - 1) }
                log.write("unsynced").reopen()
                log.records() shouldBe listOf(largeRecord(80), "unsynced")
                log.close()
            }
        }
    })
