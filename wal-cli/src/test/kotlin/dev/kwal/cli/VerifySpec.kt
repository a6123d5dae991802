package dev.kwal.cli

import dev.kwal.Wal
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldEndWith
import io.kotest.matchers.string.shouldStartWith
import java.time.Duration
import kotlin.io.path.deleteExisting
import kotlin.io.path.fileSize
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes

class VerifySpec :
    StringSpec({
        "an intact log is intact, segment by segment" {
            inDirectory { directory ->
                directory.largeLog(3)
                val verify = kwal("verify", directory)
                verify.lines shouldBe listOf(
                    "segment 1: intact, records 1 to 2, ${directory.segment(1).fileSize()} bytes, sealed",
                    "segment 2: intact, records 3 to 3, ${directory.segment(2).fileSize()} bytes, open",
                    "intact: closed; records 3, LSN 1 to 3",
                )
                verify.errors shouldBe ""
                verify.code shouldBe 0
            }
        }

        "a byte changed in any segment is found" {
            inDirectory { directory ->
                directory.largeLog(5)
                directory.damage(large(2))
                val verify = kwal("verify", directory)
                verify.errors shouldContain "segment 1 at byte 560: the checksum is wrong (LSN 2)"
                verify.code shouldBe 1
                kwal("verify", "--quiet", directory).text shouldBe ""
            }
        }

        "a missing segment is damage" {
            inDirectory { directory ->
                directory.largeLog(5)
                directory.segment(2).deleteExisting()
                kwal("verify", directory).code shouldBe 1
            }
        }

        "a torn tail is no damage" {
            inDirectory { directory ->
                val copy = directory.resolve("copy")
                Wal.open(directory, SMALL.withFlushInterval(Duration.ofHours(1))).use { log ->
                    log.appendAndSync("a".toByteArray())
                    log.append("torn".toByteArray())
                    directory.copiedTo(copy)
                }
                copy.damage("torn")
                val verify = kwal("verify", copy)
                verify.lines.last() shouldStartWith "intact: not closed, torn in segment 1 at byte 184, "
                verify.lines.last() shouldEndWith "in use, or left by a crash; records 1, LSN 1 to 1"
                verify.code shouldBe 0
            }
        }

        "records that are whole and not proven durable are counted" {
            inDirectory { directory ->
                val copy = directory.resolve("copy")
                Wal.open(directory, SMALL.withFlushInterval(Duration.ofHours(1))).use { log ->
                    log.append("a".toByteArray())
                    log.append("b".toByteArray())
                    directory.copiedTo(copy)
                }
                kwal("verify", copy).lines.first() shouldStartWith "segment 1: intact, records 1 to 2, "
                kwal("info", copy).lines shouldContain "durable         through LSN 0 by the log's own proof"
            }
        }

        "the progress goes to the error stream, up to all of it" {
            inDirectory { directory ->
                directory.largeLog(9)
                val verify = kwal("verify", "--progress", directory)
                verify.errors shouldContain "] 100 %"
                verify.lines.last() shouldBe "intact: closed; records 9, LSN 1 to 9"
                kwal("verify", "--no-progress", directory).errors shouldBe ""
            }
        }

        "a log is verified beside its owner" {
            inDirectory { directory ->
                Wal.open(directory, SMALL).use { log ->
                    repeat(5) { log.appendAndSync(large(it).toByteArray()) }
                    val verify = kwal("verify", directory)
                    verify.lines.last() shouldEndWith "in use, or left by a crash; records 5, LSN 1 to 5"
                    verify.code shouldBe 0
                }
            }
        }

        "a log of a newer version is refused" {
            inDirectory { directory ->
                directory.log("a")
                val file = directory.segment(1)
                val bytes = file.readBytes()
                bytes[8] = 2
                val crc = java.util.zip.CRC32C().also { it.update(bytes, 0, 60) }.value
                repeat(4) { bytes[60 + it] = (crc shr (8 * it)).toByte() }
                file.writeBytes(bytes)
                val verify = kwal("verify", directory)
                verify.errors shouldContain "format version 2, expected 1"
                verify.code shouldBe 4
            }
        }
    })
