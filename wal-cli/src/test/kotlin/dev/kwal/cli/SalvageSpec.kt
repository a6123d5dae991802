package dev.kwal.cli

import dev.kwal.Wal
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.ByteBuffer
import java.time.Instant
import kotlin.io.path.exists
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readText

class SalvageSpec :
    StringSpec({
        "around damage everything is salvaged, under its old LSN" {
            inDirectory { directory ->
                val log = directory.resolve("log").largeLog(5)
                log.damage(large(2))
                val before = log.image()
                val target = directory.resolve("new")
                val salvage = kwal("salvage", log, target)
                salvage.lines shouldContain "salvaged   4 records"
                salvage.lines shouldContain "lost       LSN 2"
                salvage.lines shouldContain "damage     segment 1 at byte 560, 408 bytes: the checksum is wrong"
                salvage.errors shouldBe ""
                salvage.code shouldBe 1
                log.image() shouldBe before
                Wal.open(target).use {
                    it.texts() shouldBe
                        mapOf(1L to large(1), 2L to "", 3L to large(3), 4L to large(4), 5L to large(5))
                }
                target.resolve("SALVAGE.txt").readText() shouldBe salvage.text
                target.resolve("SALVAGE.json").readText() shouldContain """"gaps":[{"firstLsn":2,"lastLsn":2}]"""
                kwal("verify", target).code shouldBe 0
            }
        }

        "what is salvaged keeps its tag and its time, and has none where it had none" {
            inDirectory { directory ->
                var millis = 1_700_000_000_000
                val log = directory.resolve("log")
                Wal.open(log, SMALL).use { it.append(large(1).toByteArray()) }
                Wal.open(log, SMALL.withClock { Instant.ofEpochMilli(millis++) }).use { dated ->
                    for (number in 2..5) dated.tagged(number).append(ByteBuffer.wrap(large(number).toByteArray()))
                }
                log.damage(large(4))
                val target = directory.resolve("new")
                kwal("salvage", log, target).code shouldBe 1
                Wal.open(target).use { salvaged ->
                    (1L..5L).map { salvaged.read(it).tag() } shouldBe listOf(0, 2, 3, 0, 5)
                    (1L..5L).map { salvaged.read(it).timestampMillis() } shouldBe
                        listOf(-1, 1_700_000_000_000, 1_700_000_000_001, -1, 1_700_000_000_003)
                }
            }
        }

        "renumbered, there are no places for what is lost" {
            inDirectory { directory ->
                val log = directory.resolve("log").largeLog(5)
                log.damage(large(2))
                val target = directory.resolve("new")
                val salvage = kwal("salvage", "--renumber", log, target)
                salvage.lines shouldContain "           LSN 3 to 4 of segment 2, now from LSN 2"
                Wal.open(target).use {
                    it.texts() shouldBe
                        mapOf(1L to large(1), 2L to large(3), 3L to large(4), 4L to large(5))
                }
            }
        }

        "a segment whose header is damaged is lost, and the report says so" {
            inDirectory { directory ->
                val log = directory.resolve("log").largeLog(5)
                log.segment(1).flip(30)
                val target = directory.resolve("new")
                val salvage = kwal("salvage", log, target)
                salvage.lines shouldContain "lost       LSN 1 to 2"
                salvage.lines.last() shouldContain "damage     segment 1 at byte 0, "
                salvage.lines.last() shouldContain ": the header is damaged"
                Wal.open(target).use { it.firstLsn() shouldBe 3 }
            }
        }

        "records of any bytes are salvaged as they are" {
            inDirectory { directory ->
                val bytes = ByteArray(300) { it.toByte() }
                val log = directory.resolve("log").log("lost", "grün") { it.append(bytes) }
                log.damage("lost")
                val target = directory.resolve("new")
                kwal("salvage", log, target).code shouldBe 1
                Wal.open(target).use {
                    it.read(2).toByteArray().decodeToString() shouldBe "grün"
                    it.read(3).toByteArray().toList() shouldBe bytes.toList()
                }
            }
        }

        "an intact log is salvaged whole, from its first LSN on" {
            inDirectory { directory ->
                val log = directory.resolve("log").log("a", "b", "c") { it.checkpoint(1) }
                val target = directory.resolve("new")
                val salvage = kwal("salvage", log, target)
                salvage.lines.last() shouldBe "nothing is damaged, nothing is lost"
                salvage.code shouldBe 0
                Wal.open(target).use {
                    it.texts() shouldBe mapOf(2L to "b", 3L to "c")
                    it.append("d".toByteArray()) shouldBe 4
                }
            }
        }

        "a dry run writes nothing" {
            inDirectory { directory ->
                val log = directory.resolve("log").largeLog(3)
                log.damage(large(1))
                val before = log.image()
                val salvage = kwal("salvage", "--dry-run", "--json", log)
                salvage.lines.single() shouldContain """"records":2,"firstLsn":1,"lastLsn":3,"""
                salvage.code shouldBe 1
                log.image() shouldBe before
                directory.listDirectoryEntries().map { it.name } shouldBe listOf("log")
            }
        }

        "never in place, and never over what is there" {
            inDirectory { directory ->
                val log = directory.resolve("log").largeLog(3)
                log.damage(large(1))
                val before = log.image()
                kwal("salvage", log, log).code shouldBe 3
                kwal("salvage", log).code shouldBe 2
                kwal("salvage", "--dry-run", log, directory.resolve("new")).code shouldBe 2
                log.image() shouldBe before
                directory.resolve("new").exists() shouldBe false
            }
        }
    })
