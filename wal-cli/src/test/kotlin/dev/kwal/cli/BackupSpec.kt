package dev.kwal.cli

import dev.kwal.Wal
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kotlin.io.path.createDirectory
import kotlin.io.path.exists
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name

class BackupSpec :
    StringSpec({
        "the copy of a closed log opens as that log" {
            inDirectory { directory ->
                val log = directory.resolve("log").largeLog(5)
                val copy = directory.resolve("copy")
                val before = log.image()
                val backup = kwal("backup", log, copy)
                backup.text shouldContain "copied 3 segments, 2 of them by links, "
                backup.text shouldContain " bytes; records 5, LSN 1 to 5\n"
                backup.code shouldBe 0
                log.image() shouldBe before
                directory.listDirectoryEntries().map { it.name } shouldContainExactlyInAnyOrder listOf("log", "copy")
                Wal.open(copy).use { restored ->
                    restored.texts() shouldBe (1L..5L).associateWith { large(it.toInt()) }
                    restored.append("more".toByteArray()) shouldBe 6
                }
            }
        }

        "the copy of a live log has all that was durable, and goes on by itself" {
            inDirectory { directory ->
                val copy = directory.resolve("copy")
                Wal.open(directory.resolve("log"), SMALL).use { log ->
                    repeat(5) { log.appendAndSync(large(it + 1).toByteArray()) }
                    log.checkpoint(2)
                    log.append("written".toByteArray())
                    kwal("backup", directory.resolve("log"), copy).code shouldBe 0
                    log.append("later".toByteArray())
                }
                Wal.open(copy).use { it.texts().keys shouldBe (3L..6L).toSet() }
            }
        }

        "an empty log has an empty copy" {
            inDirectory { directory ->
                val log = directory.resolve("log").log()
                kwal("backup", log, directory.resolve("copy")).code shouldBe 0
                Wal.open(directory.resolve("copy")).use { it.append("a".toByteArray()) shouldBe 1 }
            }
        }

        "a damaged log makes no backup" {
            inDirectory { directory ->
                val log = directory.resolve("log").largeLog(5)
                log.damage(large(2))
                val backup = kwal("backup", log, directory.resolve("copy"))
                backup.errors shouldContain "segment 1 at byte 560: the checksum is wrong"
                backup.code shouldBe 1
                directory.listDirectoryEntries().map { it.name } shouldBe listOf("log")
            }
        }

        "what is there already is not touched" {
            inDirectory { directory ->
                val log = directory.resolve("log").log("a")
                val there = directory.resolve("there").createDirectory()
                val backup = kwal("backup", log, there)
                backup.errors shouldContain "exists already: $there"
                backup.code shouldBe 3
                there.listDirectoryEntries().shouldBeEmpty()
                val begun = directory.resolve("copy.partial").createDirectory()
                kwal("backup", log, directory.resolve("copy")).errors shouldContain "left by a run that was ended"
                begun.exists() shouldBe true
            }
        }

        "a backup into a directory that is missing is an error of the medium" {
            inDirectory { directory ->
                kwal("backup", directory.resolve("missing"), directory.resolve("copy")).code shouldBe 3
                directory.listDirectoryEntries().shouldBeEmpty()
            }
        }
    })
