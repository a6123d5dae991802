package dev.kwal.cli

import dev.kwal.RecordFile
import dev.kwal.Wal
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import java.nio.ByteBuffer
import java.time.Duration
import java.time.Instant

class DumpSpec :
    StringSpec({
        "records come in order, one in each line" {
            inDirectory { directory ->
                directory.log("a", "", "two words")
                val dump = kwal("dump", directory)
                dump.text shouldBe "1\ta\n2\t\n3\ttwo words\n"
                dump.errors shouldBe ""
                dump.code shouldBe 0
            }
        }

        "a record file is a log of one segment" {
            inDirectory { directory ->
                val file = directory.resolve("manifest")
                RecordFile.open(file).use { opened -> listOf("a", "b").forEach { opened.append(it.toByteArray()) } }
                kwal("dump", file).text shouldBe "1\ta\n2\tb\n"
                kwal("verify", file).text shouldContain "intact: closed; records 2, LSN 1 to 2"
                kwal("ls", file).text shouldContain "manifest "
                kwal("backup", file, directory.resolve("log")).code shouldBe 0
                Wal.open(directory.resolve("log")).use { it.append("c".toByteArray()) shouldBe 3 }
            }
        }

        "a range is what is asked for, as far as it is there" {
            inDirectory { directory ->
                directory.log("a", "b", "c", "d")
                kwal("dump", "--from", 2, "--to", 3, directory).text shouldBe "2\tb\n3\tc\n"
                kwal("dump", "--from", 4, "--to", 99, directory).text shouldBe "4\td\n"
                kwal("dump", "--from", 5, directory).text shouldBe ""
            }
        }

        "records of a tag or a time are what is asked for, and JSON and hex show both" {
            inDirectory { directory ->
                var millis = 1_700_000_000_000
                Wal.open(directory, SMALL.withClock { Instant.ofEpochMilli(millis) }).use { log ->
                    for (text in listOf("a", "b", "c")) {
                        log.tagged(7).append(ByteBuffer.wrap(text.toByteArray()))
                        millis += 1000
                        log.append(text.uppercase().toByteArray())
                    }
                }
                kwal("dump", "--tag", 7, directory).text shouldBe "1\ta\n3\tb\n5\tc\n"
                kwal(
                    "dump",
                    "--since",
                    "2023-11-14T22:13:21Z",
                    "--until",
                    "2023-11-14T22:13:21Z",
                    directory,
                ).text shouldBe
                    "2\tA\n3\tb\n"
                kwal("dump", "--since", "2023-11-14T22:13:22.001Z", "--tag", 7, directory).text shouldBe ""
                kwal("dump", "--salvage", "--tag", 7, "--until", "2023-11-14T22:13:21Z", directory).text shouldBe
                    "1\ta\n3\tb\n"
                kwal("dump", "--format", "json", "--to", 2, directory).text shouldBe
                    "{\"lsn\":1,\"bytes\":1,\"tag\":7,\"time\":\"2023-11-14T22:13:20Z\",\"text\":\"a\"}\n" +
                    "{\"lsn\":2,\"bytes\":1,\"time\":\"2023-11-14T22:13:21Z\",\"text\":\"A\"}\n"
                kwal("dump", "--format", "hex", "--to", 1, directory).text shouldStartWith
                    "LSN 1, tag 7, 2023-11-14T22:13:20Z, 1 bytes\n"
                kwal("dump", "--tag", 0, directory).code shouldBe 2
                kwal("dump", "--since", "yesterday", directory).code shouldBe 2
            }
        }

        "a range that the log never had, or that is none, is a mistake" {
            inDirectory { directory ->
                directory.log("a", "b", "c") { it.checkpoint(1) }
                val before = kwal("dump", "--from", 1, directory)
                before.errors shouldBe "kwal dump: --from is 1, expected 2 to 4\n"
                before.code shouldBe 2
                kwal("dump", "--from", 5, directory).code shouldBe 2
                kwal("dump", "--from", 3, "--to", 2, directory).code shouldBe 2
                kwal("dump", "--from", "three", directory).code shouldBe 2
            }
        }

        "text is UTF-8 under any locale, and nothing in it can break the line or the terminal" {
            inDirectory { directory ->
                directory.log("grün 数 \uD83D\uDE00", "a\nb\tc\\d", "\u001B[31mred\u202E\u0000") {
                    it.append(byteArrayOf(-1, 'a'.code.toByte(), 0xE2.toByte(), 0x82.toByte()))
                }
                kwal("dump", directory).lines shouldBe listOf(
                    "1\tgrün 数 \uD83D\uDE00",
                    "2\ta\\nb\\tc\\\\d",
                    "3\t\\u001b[31mred\\u202e\\u0000",
                    "4\t\\xffa\\xe2\\x82",
                )
            }
        }

        "JSON has text where it is UTF-8, and Base64 where it is not" {
            inDirectory { directory ->
                directory.log("grün \"数\"\n") {
                    it.append(byteArrayOf(-1, 0, 1))
                    it.append(ByteArray(0))
                }
                kwal("dump", "--format", "json", directory).lines shouldBe listOf(
                    """{"lsn":1,"bytes":12,"text":"grün \"数\"\n"}""",
                    """{"lsn":2,"bytes":3,"base64":"/wAB"}""",
                    """{"lsn":3,"bytes":0,"text":""}""",
                )
            }
        }

        "a record longer than any buffer comes whole" {
            inDirectory { directory ->
                val text = "ü😀".repeat(50_000)
                val bytes = ByteArray(100_000) { (it * 31).toByte() }
                directory.log(text) { it.append(bytes) }
                kwal("dump", "--to", 1, directory).text shouldBe "1\t$text\n"
                val json = kwal("dump", "--from", 2, "--format", "json", directory).text
                val base64 = json.substringAfter("\"base64\":\"").substringBefore('"')
                java.util.Base64.getDecoder().decode(base64).toList() shouldBe bytes.toList()
            }
        }

        "hex shows sixteen bytes in a line" {
            inDirectory { directory ->
                directory.log("0123456789abcdefX\n")
                kwal("dump", "--format", "hex", directory).lines shouldBe listOf(
                    "LSN 1, 18 bytes",
                    "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|",
                    "00000010  58 0a                                             |X.|",
                )
            }
        }

        "an unknown format is a mistake" {
            inDirectory { directory ->
                directory.log("a")
                kwal("dump", "--format", "xml", directory).code shouldBe 2
            }
        }

        "damage ends the dump with what is intact before it" {
            inDirectory { directory ->
                directory.largeLog(5)
                directory.damage(large(2))
                val dump = kwal("dump", directory)
                dump.lines shouldBe listOf("1\t${large(1)}")
                dump.errors shouldContain "segment 1 at byte 560: the checksum is wrong (LSN 2)"
                dump.code shouldBe 1
            }
        }

        "a dump that salvages goes on behind the damage, and keeps the LSNs" {
            inDirectory { directory ->
                directory.largeLog(5)
                directory.damage(large(2))
                val dump = kwal("dump", "--salvage", directory)
                dump.lines shouldBe listOf(1, 3, 4, 5).map { "$it\t${large(it)}" }
                dump.errors shouldBe
                    "lost       LSN 2\ndamage     segment 1 at byte 560, 408 bytes: the checksum is wrong\n"
                dump.code shouldBe 1
                kwal("dump", "--salvage", "--from", 4, "--to", 4, directory).text shouldBe "4\t${large(4)}\n"
            }
        }

        "a dump that salvages shows what is not proven to be durable" {
            inDirectory { directory ->
                val copy = directory.resolve("copy")
                Wal.open(directory, SMALL.withFlushInterval(Duration.ofHours(1))).use { log ->
                    log.append("a".toByteArray())
                    directory.copiedTo(copy)
                }
                kwal("dump", copy).text shouldBe ""
                val dump = kwal("dump", "--salvage", copy)
                dump.text shouldBe "1\ta\n"
                dump.code shouldBe 0
            }
        }

        "a live log is dumped beside its owner" {
            inDirectory { directory ->
                Wal.open(directory, SMALL).use { log ->
                    repeat(5) { log.appendAndSync(large(it + 1).toByteArray()) }
                    log.appendAndSync("last".toByteArray())
                    val dump = kwal("dump", directory)
                    dump.lines.size shouldBe 6
                    dump.code shouldBe 0
                    log.appendAndSync("more".toByteArray())
                }
                kwal("dump", "--from", 7, directory).text shouldBe "7\tmore\n"
            }
        }

        "a reader that has seen enough ends the dump without a word" {
            inDirectory { directory ->
                directory.log { log -> repeat(300) { log.append(ByteArray(1000) { 'x'.code.toByte() }) } }
                KwalProcess("dump", directory).use { process ->
                    process.output.readNBytes(2).decodeToString() shouldStartWith "1"
                    process.output.close()
                    val outcome = process.outcomeUnread()
                    outcome.errors shouldBe ""
                    outcome.code shouldBe 141
                }
            }
        }
    })
