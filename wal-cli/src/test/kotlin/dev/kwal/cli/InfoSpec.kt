package dev.kwal.cli

import dev.kwal.Wal
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.Files
import kotlin.io.path.appendBytes
import kotlin.io.path.createDirectories
import kotlin.io.path.fileSize
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

class InfoSpec :
    StringSpec({
        "info tells what a closed log is" {
            inDirectory { directory ->
                var id = ""
                directory.log("a", "b", "c") {
                    it.checkpoint(1)
                    id = "${it.logId()}"
                }
                val bytes = directory.segment(1).fileSize()
                val info = kwal("info", directory)
                info.lines shouldBe listOf(
                    "log id          $id",
                    "format version  1",
                    "state           closed",
                    "records         2, LSN 2 to 3",
                    "durable         through LSN 3 by the log's own proof",
                    "truncations     0",
                    "segments        1, 0 dead, 0 prepared",
                    "bytes           $bytes in the log, $bytes in files",
                )
                info.code shouldBe 0
            }
        }

        "info tells the same as JSON" {
            inDirectory { directory ->
                directory.log("a", "b")
                val info = kwal("info", "--json", directory)
                info.lines.single() shouldContain """"formatVersion":1,"state":"closed","firstLsn":1,"lastLsn":2,"""
                info.code shouldBe 0
            }
        }

        "a log that somebody has open is not closed" {
            inDirectory { directory ->
                Wal.open(directory).use {
                    it.appendAndSync("a".toByteArray())
                    kwal("info", directory).lines shouldContain "state           not closed: in use, or left by a crash"
                }
            }
        }

        "a log that never had a record is empty" {
            inDirectory { directory ->
                directory.log()
                val info = kwal("info", directory)
                info.lines shouldContain "state           empty: it never had a record"
                info.code shouldBe 0
            }
        }

        "ls lists segments, those that the log left behind included" {
            inDirectory { directory ->
                var first = ByteArray(0)
                directory.log(large(1), large(2), large(3)) {
                    it.sync()
                    first = directory.segment(1).readBytes()
                    it.checkpoint(2)
                }
                directory.segment(1).writeBytes(first)
                val ls = kwal("ls", directory)
                ls.lines.map { it.split(Regex(" {2,}")) }.map { listOf(it[0], it[1], it[2], it[3], it.last()) } shouldBe
                    listOf(
                        listOf("NAME", "SEQUENCE", "BASE LSN", "LAST LSN", "STATE"),
                        listOf("00000000000000000001.wal", "1", "-", "-", "dead"),
                        listOf("00000000000000000002.wal", "2", "3", "3", "open"),
                    )
                ls.code shouldBe 0
            }
        }

        "ls of a damaged log lists its files and says what is damaged" {
            inDirectory { directory ->
                directory.largeLog(3)
                directory.segment(1).flip(20)
                val ls = kwal("ls", "--json", directory)
                ls.lines.map { it.substringAfterLast(':') } shouldBe listOf("\"unknown\"}", "\"unknown\"}")
                ls.errors shouldContain "segment 1 at byte 0: the header is damaged"
                ls.code shouldBe 1
            }
        }

        "whatever looks into a log that a crash left changes nothing of it" {
            inDirectory { directory ->
                val copy = directory.resolve("copy")
                Wal.open(directory.resolve("log"), SMALL).use { log ->
                    repeat(5) { log.appendAndSync(large(it).toByteArray()) }
                    directory.resolve("log").copiedTo(copy)
                }
                copy.segments.last().appendBytes(ByteArray(100) { 7 })
                val before = copy.image()
                listOf("info", "ls", "dump", "tail", "verify").forEach { kwal(it, copy).code shouldBe 0 }
                kwal("backup", copy, directory.resolve("backup")).code shouldBe 0
                kwal("salvage", copy, directory.resolve("salvage")).code shouldBe 0
                copy.image() shouldBe before
            }
        }

        "a directory that is missing is an error of the medium" {
            inDirectory { directory ->
                val missing = directory.resolve("missing")
                listOf("info", "ls", "dump", "tail", "verify").map { kwal(it, missing) }.forEach {
                    it.code shouldBe 3
                    it.errors shouldContain "no such file or directory: $missing"
                }
                Files.exists(missing) shouldBe false
            }
        }

        "what is not a log is refused" {
            inDirectory { directory ->
                val file = directory.resolve("file").also { it.writeText("no log") }
                kwal("info", file).code shouldBe 4
                kwal("verify", directory).code shouldBe 4
                val foreign = directory.resolve("foreign").createDirectories()
                foreign.segment(1).writeText("x".repeat(100))
                val dump = kwal("dump", foreign)
                dump.code shouldBe 4
                dump.errors shouldContain "not a segment, the magic is wrong"
            }
        }
    })
