package dev.kwal.samples.kv

import dev.kwal.Wal
import dev.kwal.WalCorruptedException
import dev.kwal.storage.FileStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.inspectors.forAll
import io.kotest.matchers.collections.shouldHaveAtLeastSize
import io.kotest.matchers.ints.shouldBeGreaterThan
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
            val medium = MemoryStore(StoreCapabilities.DURABLE)
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
                val medium = MemoryStore(StoreCapabilities.DURABLE)
                val live = medium.changed { changeConcurrently(round) }
                withClue("round $round") { medium.contents() shouldBe live }
            }
        }

        "a cancelled change is in memory and in the log, or in neither" {
            repeat(ROUNDS) { round ->
                val medium = MemoryStore(StoreCapabilities.DURABLE)
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

        "compaction deletes segments and keeps the contents" {
            val directory = tempdir().toPath()
            val live = directory.changed {
                repeat(2_000) { put("key ${it % 50}", "value $it") }
                repeat(25) { remove("key $it") }
                val sizeBefore = directory.logBytes()
                compact() shouldBeGreaterThan 3
                directory.logBytes() shouldBeLessThan sizeBefore / 2
                directory.copied(tempdir().toPath().resolve("copy")).contents() shouldBe toMap()
                put("key 0", "after")
            }
            live.size shouldBe 26
            directory.contents() shouldBe live
        }

        "compaction beside changes loses none of them" {
            repeat(ROUNDS) { round ->
                val medium = MemoryStore(StoreCapabilities.DURABLE)
                val live = medium.changed {
                    coroutineScope {
                        repeat(200) { launch { put("key $it", "first") } }
                    }
                    coroutineScope {
                        launch { changeConcurrently(round, keyCount = 200) }
                        compact()
                    }
                }
                withClue("round $round") { medium.contents() shouldBe live }
            }
        }

        "a crash at any moment of a compaction does no harm" {
            val directory = tempdir().toPath()
            val crashes = tempdir().toPath()
            val left = ArrayList<Path>()
            val store = WatchedStore(FileStore.of(directory))
            val live = store.changed {
                repeat(1_000) { put("key ${it % 200}", "value $it") }
                repeat(20) { remove("key $it") }
                store.beforeEach = { left.add(directory.copied(crashes.resolve("${left.size}"))) }
                compact() shouldBeGreaterThan 0
                store.beforeEach = {}
            }
            left shouldHaveAtLeastSize 3
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
                val medium = MemoryStore(StoreCapabilities.DURABLE)
                Wal.open(medium, SMALL).use { log -> log.append(it.toByteArray()) }
                withClue(it) {
                    shouldThrow<ForeignRecordException> { medium.contents() }.message shouldContain "record 1 of"
                }
            }
        }

        "half a surrogate pair is refused, as it would come back as something else" {
            MemoryStore(StoreCapabilities.DURABLE).changed {
                shouldThrow<IllegalArgumentException> { put("key", "\uD83D") }
                shouldThrow<IllegalArgumentException> { put("\uD83D", "value") }
            } shouldBe emptyMap()
        }

        "a medium that makes nothing durable is refused at open" {
            shouldThrow<IllegalArgumentException> { MemoryStore().contents() }
        }
    })

private const val ROUNDS = 30

private fun ByteArray.indexOf(text: String): Int = String(this, Charsets.ISO_8859_1).indexOf(text)
