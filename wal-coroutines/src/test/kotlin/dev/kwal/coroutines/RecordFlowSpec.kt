package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.WalCursor
import dev.kwal.WalRecord
import dev.kwal.storage.FileStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import java.io.IOException
import java.lang.reflect.Proxy

class RecordFlowSpec :
    StringSpec({
        "replay gives the records in order, from any LSN" {
            withLog { log, _ ->
                repeat(2_000) { log.append("record ${it + 1}".toByteArray(), Durability.BUFFERED) }
                log.replay().toList().map { it.lsn() } shouldContainExactly (1L..2_000L).toList()
                log.replay(1_990).map { it.text() }.toList() shouldContainExactly (1_990..2_000).map { "record $it" }
                log.replay(2_001).toList() shouldBe emptyList()
            }
        }

        "replay is cold: it reads when it is collected, each time anew" {
            withLog { log, store ->
                val records = log.replay()
                store.readBytes.get() shouldBe 0
                log.append("a".toByteArray())
                records.toList().size shouldBe 1
                log.append("b".toByteArray())
                records.toList().size shouldBe 2
            }
        }

        "replay gives its handles back when the collector has enough" {
            withLog(store = WatchedStore(FileStore.of(tempdir().toPath()))) { log, store ->
                repeat(1_000) { log.append(ByteArray(1_000), Durability.BUFFERED) }
                log.sync()
                val before = store.openReaders.get()
                log.replay().first().lsn() shouldBe 1
                log.replay().take(500).toList().size shouldBe 500
                store.openReaders.get() shouldBe before
            }
        }

        "replay reads only so far ahead of a slow collector" {
            withLog { log, store ->
                repeat(20_000) { log.append(ByteArray(1_000), Durability.BUFFERED) }
                log.sync()
                store.forget()
                val seen = CompletableDeferred<Unit>()
                val go = CompletableDeferred<Unit>()
                val collector = async {
                    log.replay().onEach {
                        seen.complete(Unit)
                        go.await()
                    }.toList().size
                }
                seen.await()
                repeat(100) { blocking { Thread.onSpinWait() } }
                store.readBytes.get() shouldBeLessThan 4_000_000
                go.complete(Unit)
                collector.await() shouldBe 20_000
            }
        }

        "records before the damage are delivered, then the failure" {
            withLog { _, _ ->
                val seen = ArrayList<Long>()
                val failure = shouldThrow<IOException> {
                    replayFlow { cursorThatFailsAt(300) }.collect {
                        yield()
                        seen.add(it.lsn())
                    }
                }
                failure.message shouldBe "damage"
                seen shouldContainExactly (1L..299L).toList()
            }
        }

        "follow goes on with records as they become durable, and ends with the log" {
            withLog { log, _ ->
                log.appendAndSync("a".toByteArray())
                val seen = ArrayList<String>()
                val third = CompletableDeferred<Unit>()
                val follower = launch {
                    log.follow().collect {
                        seen.add(it.text())
                        if (seen.size == 3) third.complete(Unit)
                    }
                }
                untilCallersWait()
                log.append("b".toByteArray(), Durability.BUFFERED)
                log.appendAndSync("c".toByteArray())
                third.await()
                seen shouldContainExactly listOf("a", "b", "c")
                log.close()
                follower.join()
            }
        }

        "follow ends when its collector is cancelled" {
            withLog { log, _ ->
                log.appendAndSync("a".toByteArray())
                log.follow().take(1).toList().size shouldBe 1
                val follower = launch { log.follow().collect { } }
                untilCallersWait()
                follower.cancel()
                follower.join()
            }
        }
    })

/** Records 1, 2, … and then damage. */
private fun cursorThatFailsAt(lsn: Long): WalCursor {
    var current = 0L
    val record = WalRecord::class.java.declaredConstructors.single().also { it.isAccessible = true }
    return Proxy.newProxyInstance(WalCursor::class.java.classLoader, arrayOf(WalCursor::class.java)) { _, method, _ ->
        when (method.name) {
            "next" -> if (++current == lsn) throw IOException("damage") else true
            "record" -> record.newInstance(current, WalRecord.NO_TAG, WalRecord.NO_TIME, ByteArray(10))
            "length" -> 10
            else -> Unit
        }
    } as WalCursor
}
