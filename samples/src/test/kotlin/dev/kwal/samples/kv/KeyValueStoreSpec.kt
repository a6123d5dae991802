package dev.kwal.samples.kv

import dev.kwal.Wal
import dev.kwal.WalCorruptedException
import dev.kwal.storage.FileStore
import dev.kwal.storage.MemoryStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.inspectors.forAll
import io.kotest.matchers.collections.shouldHaveAtLeastSize
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.nio.file.Path
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlin.random.Random

/** What is in memory is what comes back. */
class KeyValueStoreSpec :
    StringSpec({
        "what was put is there after reopening, and what was removed is not" {
            val medium = Medium()
            medium.changed {
                put("a", "1")
                put("b", "2")
                put("a", "3")
                remove("b")
                remove("never there")
                put("", "")
                put("ключ 🔑", "a\u0000b\r\n")
            } shouldBe mapOf("a" to "3", "" to "", "ключ 🔑" to "a\u0000b\r\n")
            medium.contents() shouldBe mapOf("a" to "3", "" to "", "ключ 🔑" to "a\u0000b\r\n")
        }

        "what was put is there after a crash" {
            val directory = tempdir().toPath()
            directory.changed {
                put("a", "1")
                put("b", "2")
                remove("b")
                // The copy is what a crash would leave: nothing was closed.
                directory.copied(tempdir().toPath().resolve("copy")).contents() shouldBe mapOf("a" to "1")
            }
        }

        "of concurrent changes to one key the same one wins in memory and in the log" {
            repeat(ROUNDS) { round ->
                val medium = Medium()
                val live = medium.changed { changeConcurrently(round) }
                withClue("round $round") { medium.contents() shouldBe live }
            }
        }

        "a cancelled change is in memory and in the log, or in neither" {
            repeat(ROUNDS) { round ->
                val medium = Medium()
                val live = medium.changed {
                    withContext(Dispatchers.Default) {
                        val writer = launch { changeConcurrently(round) }
                        repeat(Random(round).nextInt(20)) { put("not cancelled", "$it") }
                        writer.cancelAndJoin()
                    }
                }
                withClue("round $round") { medium.contents() shouldBe live }
            }
        }

        "the second compaction shortens the log, and keeps the contents" {
            val directory = tempdir().toPath()
            val live = directory.changed {
                repeat(2_000) { put("key ${it % 50}", "value $it") }
                repeat(25) { remove("key $it") }
                val sizeBefore = directory.logBytes()
                compact()
                directory.logBytes() shouldBeGreaterThanOrEqual sizeBefore
                compact()
                directory.logBytes() shouldBeLessThan sizeBefore / 2
                directory.copied(tempdir().toPath().resolve("copy")).contents() shouldBe toMap()
                put("key 0", "after")
            }
            live.size shouldBe 26
            Wal.openReadOnly(directory).use { it.firstLsn() } shouldBe 2_026
            directory.contents() shouldBe live
        }

        "if the newest snapshot is damaged the one before it and the log give the same" {
            val directory = tempdir().toPath()
            val live = directory.changed {
                repeat(3) { round ->
                    repeat(100) { put("key $it", "value $round") }
                    compact()
                }
                remove("key 7")
            }
            val newest = directory.resolve("snapshots").listDirectoryEntries().max()
            newest.writeBytes(newest.readBytes().also { it[it.size / 2]++ })
            directory.contents() shouldBe live
        }

        "compaction beside changes loses none of them" {
            repeat(ROUNDS) { round ->
                val medium = Medium()
                val live = medium.changed {
                    coroutineScope {
                        repeat(200) { launch { put("key $it", "first") } }
                    }
                    coroutineScope {
                        launch { changeConcurrently(round, keyCount = 200) }
                        repeat(3) { launch { compact() } }
                    }
                }
                withClue("round $round") { medium.contents() shouldBe live }
            }
        }

        "a crash at any moment of a compaction does no harm" {
            val directory = tempdir().toPath()
            val crashes = tempdir().toPath()
            val left = ArrayList<Path>()
            val log = WatchedStore(FileStore.of(directory))
            val snapshots = WatchedSnapshots(directory.medium().snapshots)
            val live = Medium(log, snapshots).changed {
                repeat(2) { compact() }
                repeat(1_000) { put("key ${it % 200}", "value $it") }
                repeat(20) { remove("key $it") }
                log.beforeEach = { left.add(directory.copied(crashes.resolve("${left.size}"))) }
                snapshots.beforeEach = log.beforeEach
                repeat(2) { compact() }
                log.beforeEach = {}
                snapshots.beforeEach = {}
            }
            // Three for each snapshot made, one for each of two deleted, and at least one for a segment.
            left shouldHaveAtLeastSize 9
            left.forAll { it.contents() shouldBe live }
        }

        "a damaged record is an error at open, and the log is free again afterwards" {
            val directory = tempdir().toPath()
            val live = directory.changed { repeat(1_000) { put("key $it", "value $it") } }
            val segment = directory.listDirectoryEntries().filter { it.readBytes().indexOf("value 100") >= 0 }.min()
            val sound = segment.readBytes()
            segment.writeBytes(sound.clone().also { it[it.indexOf("value 100")]++ })
            shouldThrow<WalCorruptedException> { directory.contents() }.lsn() shouldBe 101
            segment.writeBytes(sound)
            directory.contents() shouldBe live
        }

        "a record of somebody else is an error at open" {
            listOf(
                "",
                "P",
                "P\u0000\u0000\u0000\u0009key",
                "X\u0000\u0000\u0000\u0001k",
                "R\u0000\u0000\u0000\u0001kv",
            ).forEach {
                val medium = Medium()
                Wal.open(medium.log, SMALL).use { log -> log.append(it.toByteArray()) }
                withClue(it) {
                    shouldThrow<ForeignRecordException> { medium.contents() }.message shouldContain "record 1 is"
                }
            }
        }

        "half a surrogate pair is refused, as it would come back as something else" {
            Medium().changed {
                shouldThrow<IllegalArgumentException> { put("key", "\uD83D") }
                shouldThrow<IllegalArgumentException> { put("\uD83D", "value") }
            } shouldBe emptyMap()
        }

        "a medium that makes nothing durable is refused at open" {
            shouldThrow<IllegalArgumentException> { Medium(MemoryStore()).contents() }
        }
    })

private const val ROUNDS = 30

private fun ByteArray.indexOf(text: String): Int = String(this, Charsets.ISO_8859_1).indexOf(text)
