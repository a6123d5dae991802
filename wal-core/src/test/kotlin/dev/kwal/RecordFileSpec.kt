package dev.kwal

import dev.kwal.storage.FileStore
import dev.kwal.storage.SingleFileStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.FileSystemException
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import kotlin.concurrent.thread
import kotlin.io.path.createDirectories
import kotlin.io.path.createDirectory
import kotlin.io.path.fileSize
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

/** That one file holds a log, and comes back as what was appended or says why not. */
class RecordFileSpec :
    StringSpec({
        "records come back after closing, and again after that, in one file alone" {
            inFile { file ->
                RecordFile.open(file).use {
                    it.append("a".toByteArray()) shouldBe 1
                    it.append(ByteArray(0)) shouldBe 2
                    it.lastLsn() shouldBe 2
                    it.durableLsn() shouldBe 0
                    it.appendAndSync("c".toByteArray()) shouldBe 3
                    it.durableLsn() shouldBe 3
                    file.parent.listDirectoryEntries().map { it.name } shouldBe listOf("records")
                }
                RecordFile.open(file).use {
                    it.recovery().end() shouldBe RecoveryReport.End.CLEAN
                    it.records() shouldBe listOf("a", "", "c")
                    it.append("d".toByteArray()) shouldBe 4
                    it.records(3) shouldBe listOf("c", "d")
                }
                RecordFile.open(file).use { it.records() shouldBe listOf("a", "", "c", "d") }
                file.parent.listDirectoryEntries().map { it.name } shouldBe listOf("records")
            }
        }

        "an empty record behind large ones leaves room for the mark that closes" {
            inFile { file ->
                RecordFile.open(file).use {
                    it.append(ByteArray(40_000))
                    it.append(ByteArray(30_000))
                    it.append(ByteArray(70_000))
                    it.append(ByteArray(0)) shouldBe 4
                }
                RecordFile.open(file).use { it.recovery().end() shouldBe RecoveryReport.End.CLEAN }
            }
        }

        "opening and closing a closed file changes no byte" {
            inFile { file ->
                RecordFile.open(file).use { it.append("a".toByteArray()) }
                val before = file.readBytes()
                RecordFile.open(file).use { it.sizeBytes() shouldBe before.size }
                file.readBytes().toList() shouldBe before.toList()
            }
        }

        "missing directories are made, and what an earlier creation left is replaced" {
            inDirectory { directory ->
                val file = directory.resolve("a/b/records")
                file.parent.createDirectories().resolve("records.tmp").writeText("half")
                RecordFile.open(file).close()
                file.parent.listDirectoryEntries().map { it.name } shouldBe listOf("records")
                RecordFile.open(directory.resolve("c/d/records")).use { it.append("a".toByteArray()) shouldBe 1 }
            }
        }

        "a file of which nothing is proven, cut at any byte, comes back as a prefix and goes on" {
            inFile { file ->
                val whole = file.killedWith("a", "bb", "c".repeat(40))
                for (size in OPENED until whole.size) {
                    withClue("cut to $size bytes") {
                        file.writeBytes(whole.copyOf(size))
                        val left = listOf("a", "bb").take((size - OPENED) / 32)
                        RecordFile.open(file).use {
                            it.records() shouldBe left
                            val isCutAtEnd = (size - OPENED) % 32 == 0 && size - OPENED <= 64
                            it.recovery().end() shouldBe
                                if (isCutAtEnd) RecoveryReport.End.UNCLOSED else RecoveryReport.End.TORN
                            it.append("new".toByteArray()) shouldBe left.size + 1
                        }
                        RecordFile.open(file).use { it.records() shouldBe left + "new" }
                    }
                }
            }
        }

        "a file cut before its first record was whole before it got its name, and is damaged" {
            inFile { file ->
                val whole = file.killedWith("a")
                for (size in 0 until OPENED) {
                    withClue("cut to $size bytes") {
                        file.writeBytes(whole.copyOf(size))
                        shouldThrow<WalCorruptedException> { RecordFile.open(file) }
                        file.fileSize() shouldBe size
                    }
                }
            }
        }

        "a flipped bit anywhere in a closed file is an error that changes nothing, but in the mark that closes it" {
            inFile { file ->
                RecordFile.open(file).use { opened ->
                    listOf("a", "b", "c").forEach { opened.append(it.toByteArray()) }
                }
                val whole = file.readBytes()
                for (bit in 0 until whole.size * 8) {
                    withClue("bit $bit") {
                        val flipped = whole.copyOf()
                        flipped[bit / 8] = (flipped[bit / 8].toInt() xor (1 shl bit % 8)).toByte()
                        file.writeBytes(flipped)
                        if (bit / 8 < whole.size - 32) {
                            shouldThrow<WalException> { RecordFile.open(file) }
                            file.readBytes().toList() shouldBe flipped.toList()
                        } else {
                            RecordFile.open(file).use { it.records() shouldBe listOf("a", "b", "c") }
                        }
                    }
                }
            }
        }

        "damage to a synced record is an error even if nothing but a later record tells" {
            inFile { file ->
                file.killedWith("a", "b") { it.sync() }
                file.killedWith("c")
                val bytes = file.readBytes()
                file.writeBytes(bytes.also { it[OPENED + 24]++ })
                val thrown = shouldThrow<WalCorruptedException> { RecordFile.open(file) }
                thrown.lsn() shouldBe 1
                thrown.message shouldContain "$file"
            }
        }

        "whole frames behind a torn one do not come back when its place is filled again" {
            inFile { file ->
                val bytes = file.killedWith("a", "b", "c")
                file.writeBytes(bytes.also { it[OPENED + 24]++ })
                file.killedWith("x") { it.recovery().tornBytes() shouldBe 89 }
                file.records() shouldBe listOf("x")
            }
        }

        "a strict opening refuses what is torn and changes nothing" {
            inFile { file ->
                val whole = file.killedWith("a", "b")
                RecordFile.openStrict(SingleFileStore.of(file), WalOptions.DEFAULT).use {
                    it.records() shouldBe listOf("a", "b")
                }
                file.writeBytes(whole.copyOf(whole.size - 8))
                val thrown = shouldThrow<WalCorruptedException> {
                    RecordFile.openStrict(SingleFileStore.of(file), WalOptions.DEFAULT)
                }
                listOf(thrown.position(), thrown.lsn()) shouldBe listOf(OPENED + 32, 2)
                file.readBytes().toList() shouldBe whole.copyOf(whole.size - 8).toList()
                file.records() shouldBe listOf("a")
            }
        }

        "a record that is too long is refused, by the append and by the opening" {
            inFile { file ->
                val options = WalOptions.DEFAULT.withMaxRecordBytes(10)
                RecordFile.open(SingleFileStore.of(file), options).use {
                    it.append(ByteArray(10)) shouldBe 1
                    shouldThrow<IllegalArgumentException> { it.append(ByteArray(11)) }
                    it.append(ByteArray(1)) shouldBe 2
                }
                val before = file.readBytes()
                shouldThrow<WalFormatException> {
                    RecordFile.open(SingleFileStore.of(file), options.withMaxRecordBytes(9))
                }
                file.readBytes().toList() shouldBe before.toList()
            }
        }

        "a file does not grow beyond its limit, and can be closed when it is full" {
            inFile { file ->
                val options = WalOptions.DEFAULT.withSegmentBytes(1024)
                RecordFile.open(SingleFileStore.of(file), options).use {
                    it.append(ByteArray(700)) shouldBe 1
                    shouldThrow<WalNoSpaceException> { it.append(ByteArray(100)) }
                    it.append(ByteArray(88)) shouldBe 2
                    shouldThrow<WalNoSpaceException> { it.append(ByteArray(0)) }
                }
                file.fileSize() shouldBe 1024
                RecordFile.open(SingleFileStore.of(file), options).use {
                    it.recovery().end() shouldBe RecoveryReport.End.CLEAN
                    it.lastLsn() shouldBe 2
                }
            }
        }

        "zeros, garbage and impossible lengths behind the last record are cut off" {
            val impossible = ByteArray(40) { -1 }
            for (rest in listOf(ByteArray(4096), ByteArray(13) { 7 }, impossible, ByteArray(4096) + impossible)) {
                inFile { file ->
                    file.writeBytes(file.killedWith("a") + rest)
                    file.records() shouldBe listOf("a")
                    file.fileSize() shouldBe OPENED + 32 + 32
                }
            }
        }

        "what is no such file is refused and left alone" {
            inFile { file ->
                file.writeText("something that somebody wrote, which is longer than a header of sixty-four bytes")
                shouldThrow<WalFormatException> { RecordFile.open(file) }
                shouldThrow<FileSystemException> { RecordFile.open(file.parent) }
                shouldThrow<FileSystemException> { RecordFile.open(file.resolve("below")) }
                file.readBytes().size shouldBe 80
                shouldThrow<NoSuchFileException> {
                    Wal.openReadOnly(SingleFileStore.of(file.resolveSibling("none")), WalOptions.DEFAULT)
                }
            }
        }

        "a sealed segment of a log is refused, and a log is not opened in one file" {
            inFile { file ->
                val log = LogFixture().write("a").rotate()
                file.writeBytes(log.store.bytes(1))
                shouldThrow<WalFormatException> { RecordFile.open(file) }.message shouldContain "sealed"
                shouldThrow<UnsupportedOperationException> { Wal.open(SingleFileStore.of(file), WalOptions.DEFAULT) }
            }
        }

        "a record that is expected and missing is an error" {
            inFile { file ->
                file.killedWith("a")
                val options = WalOptions.DEFAULT.withExpectAtLeast(2)
                shouldThrow<WalCorruptedException> { RecordFile.open(SingleFileStore.of(file), options) }
            }
        }

        "the file is a log of one segment to every reader, and to an owner of its copy" {
            inFile { file ->
                RecordFile.open(file).use { opened ->
                    (1L..300).forEach { opened.append(largeRecord(it).toByteArray()) }
                }
                val expected = (1L..300).map(::largeRecord)
                Wal.openReadOnly(SingleFileStore.of(file), WalOptions.DEFAULT).use { reader ->
                    reader.records() shouldBe expected
                    reader.recovery().end() shouldBe RecoveryReport.End.CLEAN
                    reader.backup(file.resolveSibling("log")).lastLsn() shouldBe 300
                    val lines = reader.lines() + reader.end()
                    val log = file.resolveSibling("log")
                    if (hasPython) python("src/test/python/read_log.py", "$log").second.trim().lines() shouldBe lines
                    Wal.open(FileStore.of(log), WalOptions.DEFAULT).use {
                        it.append("more".toByteArray()) shouldBe 301
                        it.records() shouldBe expected + "more"
                    }
                }
                WalSalvage.of(SingleFileStore.of(file), WalOptions.DEFAULT).cursor().use {
                    it.texts() shouldBe expected
                }
                RecordFile.open(file).use { it.records(290) shouldBe expected.drop(289) }
            }
        }

        "a cursor sees what was there when it was made, beside appends" {
            inFile { file ->
                RecordFile.open(file).use {
                    it.append("a".toByteArray())
                    it.replay(0).use { cursor ->
                        it.append("b".toByteArray())
                        cursor.texts() shouldBe listOf("a")
                    }
                    it.records(2) shouldBe listOf("b")
                    it.records(3) shouldBe emptyList()
                    shouldThrow<IllegalArgumentException> { it.replay(4) }
                    shouldThrow<IllegalArgumentException> { it.replay(-1) }
                }
            }
        }

        "records of many threads are all there, each once" {
            inFile { file ->
                RecordFile.open(file).use { opened ->
                    List(4) { writer ->
                        thread { repeat(100) { opened.append("$writer $it".toByteArray()) } }
                    }.forEach(Thread::join)
                    opened.records().sorted() shouldBe
                        (0..3).flatMap { writer -> (0..99).map { "$writer $it" } }.sorted()
                }
            }
        }

        "every call after close says so, and a second close does nothing" {
            inFile { file ->
                val opened = RecordFile.open(file)
                opened.append("a".toByteArray())
                opened.close()
                opened.close()
                shouldThrow<WalClosedException> { opened.append("b".toByteArray()) }
                shouldThrow<WalClosedException> { opened.sync() }
                shouldThrow<WalClosedException> { opened.replay(0) }
                opened.lastLsn() shouldBe 1
            }
        }

        "a directory in the place of the file is an error of the file system" {
            inFile { file ->
                file.createDirectory()
                shouldThrow<FileSystemException> { RecordFile.open(file) }
            }
        }
    })

/** Header and OPEN frame. */
private const val OPENED = 152

private fun inFile(work: (Path) -> Unit) = inDirectory { work(it.resolve("records")) }

private fun RecordFile.records(fromLsn: Long = 0): List<String> = replay(fromLsn).use { it.texts() }

private fun Path.records(): List<String> = RecordFile.open(this).use { it.records() }

/** Appends as a process does that is killed then, and gives the bytes that it leaves. */
private fun Path.killedWith(vararg records: String, more: (RecordFile) -> Unit = {}): ByteArray {
    val opened = RecordFile.open(this)
    records.forEach { opened.append(it.toByteArray()) }
    more(opened)
    val left = readBytes()
    opened.close()
    writeBytes(left)
    return left
}
