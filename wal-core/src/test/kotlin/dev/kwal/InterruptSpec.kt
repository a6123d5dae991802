package dev.kwal

import dev.kwal.storage.FileStore
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import java.nio.file.Path
import java.time.Duration

/** Interrupting a thread in any call harms nothing: the call goes on to its end, and the flag stays set. */
class InterruptSpec :
    StringSpec({
        /** Does the work with the flag set, on a thread of its own, and tells whether it is still set. */
        fun interrupted(work: () -> Unit): Boolean = running {
            Thread.currentThread().interrupt()
            work()
            Thread.currentThread().isInterrupted
        }.result()

        fun onFiles(work: (Wal, Path) -> Unit) = inDirectory { directory ->
            Wal.open(FileStore.of(directory).withRecycling(1), SMALL_SEGMENTS).use { work(it, directory) }
        }

        "an interrupted thread can call everything, and the log goes on" {
            onFiles { wal, _ ->
                val large = largeRecord(0).toByteArray()
                val calls = listOf<Pair<String, () -> Unit>>(
                    "append" to { wal.append("a".toByteArray()) },
                    "appendAndSync" to { wal.appendAndSync("b".toByteArray()) },
                    "appendBatch" to { wal.appendBatch(listOf("c", "d").map { it.toBuffer() }) },
                    "tryAppend" to { wal.tryAppend("e".toBuffer()) },
                    "appendAsync" to { wal.appendAsync("f".toBuffer(), Durability.SYNCED) },
                    "sync" to { wal.sync() },
                    "sync with a limit" to { wal.sync(Duration.ofDays(1)) },
                    "append with a limit" to { wal.appendAndSync("g".toBuffer(), Duration.ofDays(1)) },
                    "an append that rotates" to { repeat(4) { wal.append(large) } },
                    "rotate" to { wal.rotate() },
                    "read" to { wal.read(1) },
                    "replay" to { wal.records() },
                    "checkpoint" to { wal.checkpoint(2) },
                    "truncateAfter" to { wal.truncateAfter(wal.lastLsn() - 1) },
                )
                calls.forEach { (name, call) ->
                    withClue(name) {
                        interrupted(call) shouldBe true
                        wal.state() shouldBe WalState.OPEN
                    }
                }
                wal.appendAndSync("last".toByteArray())
                wal.records().last() shouldBe "last"
            }
        }

        "an interrupted thread can open and close" {
            inDirectory { directory ->
                interrupted { Wal.open(directory).use { it.append("a".toByteArray()) } } shouldBe true
                interrupted { Wal.openReadOnly(directory).use { it.records() shouldBe listOf("a") } } shouldBe true
                Wal.open(directory).use { it.records() shouldBe listOf("a") }
            }
        }

        "an interrupted thread can open what was not closed" {
            inDirectory { directory ->
                val log = LogFixture(FileStore.of(directory)).write("a", "b")
                interrupted { log.reopen() } shouldBe true
                log.write("c").records() shouldBe listOf("a", "b", "c")
                log.close()
            }
        }

        "a storm of interrupts harms neither records nor readers" {
            onFiles { wal, _ ->
                val writers = List(4) { writer ->
                    running {
                        repeat(50) {
                            wal.appendAndSync("$writer.$it".toByteArray())
                            wal.read(1)
                        }
                    }
                }
                while (writers.any { !it.isDone }) writers.forEach { it.thread.interrupt() }
                writers.forEach { it.result() }
                wal.durableLsn() shouldBe 200
                wal.records().groupBy { it.substringBefore('.') }.values.forEach { it.size shouldBe 50 }
            }
        }

        "a leader that is interrupted in its flush ends it for all" {
            val log = LogFixture().write("a")
            val gate = log.store.stopAt("sync")
            val leader = running { log.sync().let { Thread.currentThread().isInterrupted } }
            gate.awaitSomebody()
            val other = running { log.wal.sync() }
            leader.thread.interrupt()
            gate.open()
            leader.result() shouldBe true
            other.result() shouldBe 1
        }

        "a waiting thread that is interrupted waits on, and its record commits" {
            val log = LogFixture().write("a")
            val gate = log.store.stopAt("sync")
            val leader = running { log.sync() }
            gate.awaitSomebody()
            val waiting = running {
                log.wal.appendAndSync("b".toByteArray())
                Thread.currentThread().isInterrupted
            }
            awaitUntil { waiting.isWaiting && log.wal.lastLsn() == 2L }
            waiting.thread.interrupt()
            gate.open()
            leader.result()
            waiting.result() shouldBe true
            log.wal.durableLsn() shouldBe 2
        }

        "threads that wait for room go on when they are interrupted" {
            val log = LogFixture(
                options = WalOptions.DEFAULT.withBufferBytes(4096).withSegmentBytes(1 shl 20),
            ).write("a")
            val gate = log.store.stopAt("append")
            val write = running { log.write("b") }
            gate.awaitSomebody()
            while (log.wal.tryAppend(java.nio.ByteBuffer.allocate(1000)) != Wal.NO_ROOM) Unit
            val waiting = running {
                log.wal.append(ByteArray(1000), Durability.BUFFERED)
                Thread.currentThread().isInterrupted
            }
            awaitUntil { waiting.isWaiting }
            waiting.thread.interrupt()
            gate.open()
            write.result()
            waiting.result() shouldBe true
        }
    })
