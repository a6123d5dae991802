package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalClosedException
import dev.kwal.WalFailedException
import dev.kwal.WalGoneException
import dev.kwal.WalRecord
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.booleans.shouldBeFalse
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import java.io.IOException
import java.time.Duration

class FollowSpec :
    StringSpec({
        for (level in listOf(Durability.WRITTEN, Durability.SYNCED)) {
            "from disk to live at $level, without a gap and without a repeat, while everything happens" {
                withLog(TINY_BUFFER.withSegmentBytes(1 shl 12)) { log, _ ->
                    repeat(500) { log.append("record ${it + 1}".toByteArray(), Durability.BUFFERED) }
                    val follower = async(Dispatchers.Default) { log.follow(1, level).take(4_000).texts() }
                    withContext(Dispatchers.Default) {
                        launch { repeat(20) { log.rotate() } }
                        for (number in 501..4_000) {
                            val record = "record $number".toByteArray()
                            log.append(record, Durability.entries[number % 3])
                        }
                        log.sync()
                    }
                    follower.await() shouldContainExactly (1..4_000).map { "record $it" }
                }
            }
        }

        "many writers: each record once, in the order of LSNs" {
            withLog(TINY_BUFFER.withSegmentBytes(1 shl 12)) { log, _ ->
                val follower = async(Dispatchers.Default) { log.follow().take(2_000).toList() }
                val writers = List(20) { writer ->
                    async(Dispatchers.Default) {
                        List(100) { log.append("$writer/$it".toByteArray()) to "$writer/$it" }
                    }
                }
                val written = writers.awaitAll().flatten().toMap()
                log.sync()
                val seen = follower.await()
                seen.map { it.lsn() } shouldContainExactly (1L..2_000L).toList()
                seen.associate { it.lsn() to it.text() } shouldBe written
            }
        }

        "a checkpoint behind a follower takes nothing from it" {
            withLog(QUIET.withSegmentBytes(1 shl 12)) { log, _ ->
                val seen = Channel<Long>(Channel.UNLIMITED)
                val follower = launch(Dispatchers.Default) { log.follow().collect { seen.send(it.lsn()) } }
                for (number in 1L..300L) {
                    log.appendAndSync("record $number".toByteArray())
                    seen.receive() shouldBe number
                    if (number % 10 == 0L) log.checkpoint(number)
                }
                log.close()
                follower.join()
            }
        }

        "a record is seen at its level, not before" {
            withLog { log, store ->
                log.appendAndSync("begins the segment".toByteArray())
                val written = Channel<Long>(Channel.UNLIMITED)
                val synced = Channel<Long>(Channel.UNLIMITED)
                launch { log.follow(2, Durability.WRITTEN).collect { written.send(it.lsn()) } }
                launch { log.follow(2, Durability.SYNCED).collect { synced.send(it.lsn()) } }
                store.holdSyncs()
                val append = async { log.appendAndSync("a".toByteArray()) }
                written.receive() shouldBe 2
                synced.tryReceive().isSuccess.shouldBeFalse()
                store.release()
                synced.receive() shouldBe 2
                append.await()
                log.close()
            }
        }

        "what a Java thread syncs is seen" {
            withLog { log, _ ->
                val follower = async { log.follow().take(2).texts() }
                untilCallersWait()
                blocking {
                    Thread { log.asBlocking().appendAndSync("a".toByteArray()) }.run {
                        start()
                        join()
                    }
                }
                blocking {
                    Thread { log.asBlocking().appendAndSync("b".toByteArray()) }.run {
                        start()
                        join()
                    }
                }
                follower.await() shouldContainExactly listOf("a", "b")
            }
        }

        "a slow collector holds up nobody, and reads only so far ahead" {
            withLog { log, store ->
                val seen = CompletableDeferred<Unit>()
                val go = CompletableDeferred<Unit>()
                val follower = async {
                    log.follow().onEach {
                        seen.complete(Unit)
                        go.await()
                    }.take(10_000).toList().size
                }
                untilCallersWait()
                log.appendAndSync(ByteArray(1_000))
                seen.await()
                store.forget()
                repeat(9_998) { log.append(ByteArray(1_000), Durability.BUFFERED) }
                log.sync()
                log.checkpoint(0)
                log.appendAndSync(ByteArray(1_000)) shouldBe 10_000
                store.readBytes.get() shouldBeLessThan 2_000_000
                go.complete(Unit)
                follower.await() shouldBe 10_000
            }
        }

        for (level in listOf(Durability.WRITTEN, Durability.SYNCED)) {
            "a follower at $level gets what closing makes durable, and ends with the log" {
                withLog { log, store ->
                    log.appendAndSync("begins the segment".toByteArray())
                    val (follower, first) = followed(log.follow(1, level))
                    first.await()
                    log.append("last".toByteArray(), Durability.BUFFERED)
                    store.holdSyncs()
                    val closing = async(Dispatchers.Default) { log.close() }
                    blocking { store.awaitHeldSync() }
                    // Closing has begun, and the follower looks again.
                    repeat(100) { blocking { Thread.onSpinWait() } }
                    store.release()
                    closing.await()
                    follower.await().getOrThrow() shouldContainExactly listOf("begins the segment", "last")
                }
            }
        }

        "a follower ends when a Java thread closes the log" {
            runTest {
                val wal = Wal.open(WatchedStore(), QUIET)
                val log = wal.asSuspending()
                wal.appendAndSync("a".toByteArray())
                val (follower, first) = followed(log.follow())
                first.await()
                blocking { wal.close() }
                follower.await().getOrThrow() shouldContainExactly listOf("a")
                log.close()
            }
        }

        "a follower of a closed log fails" {
            withLog { log, _ ->
                log.close()
                shouldThrow<WalClosedException> { log.follow().toList() }
            }
        }

        "after a failure everything durable is delivered, then the failure" {
            runTest {
                val store = WatchedStore()
                val log = SuspendingWal.open(store, QUIET)
                repeat(1_000) { log.append("record $it".toByteArray(), Durability.BUFFERED) }
                log.sync()
                val seen = ArrayList<Long>()
                store.failSyncs(IOException("the disk is gone"))
                val follower = async { runCatching { log.follow().collect { seen.add(it.lsn()) } } }
                shouldThrow<WalFailedException> { log.appendAndSync("lost".toByteArray()) }
                follower.await().exceptionOrNull().shouldBeInstanceOf<WalFailedException>()
                seen shouldContainExactly (1L..1_000L).toList()
                val late = ArrayList<Long>()
                shouldThrow<WalFailedException> { log.follow().collect { late.add(it.lsn()) } }
                late shouldContainExactly (1L..1_000L).toList()
                shouldThrow<WalFailedException> { log.close() }
            }
        }

        "a follower ahead of a truncation fails, one that comes later gets the new records" {
            withLog { log, _ ->
                repeat(2) { log.appendAndSync("old".toByteArray()) }
                val (ahead, first) = followed(log.follow(2))
                first.await()
                log.truncateAfter(1)
                ahead.await().exceptionOrNull().shouldBeInstanceOf<WalGoneException>()
                log.appendAndSync("new".toByteArray()) shouldBe 2
                log.follow().take(2).texts() shouldContainExactly listOf("old", "new")
            }
        }

        "a follower that a checkpoint overtook fails" {
            withLog { log, _ ->
                repeat(3) { log.appendAndSync("a".toByteArray()) }
                log.rotate()
                log.checkpoint(3)
                shouldThrow<WalGoneException> { log.follow(1).toList() }
            }
        }

        "a thousand followers that wait hold no thread" {
            withLog { log, _ ->
                log.appendAndSync("begins the segment".toByteArray())
                val waiting = Channel<Unit>(Channel.UNLIMITED)
                val followers = List(1_000) {
                    async {
                        log.follow().onEach { waiting.send(Unit) }.take(2).texts()
                    }
                }
                repeat(1_000) { waiting.receive() }
                // Sixty-four threads of I/O at most, yet one more caller reads.
                log.read(1).text() shouldBe "begins the segment"
                log.appendAndSync("a".toByteArray())
                followers.awaitAll().toSet() shouldBe setOf(listOf("begins the segment", "a"))
            }
        }

        "a reader beside the owner follows it over segments and after it was closed and opened again" {
            runTest {
                val store = WatchedStore()
                val options = QUIET.withSegmentBytes(1 shl 12).withFlushInterval(Duration.ofMillis(1))
                val written = ArrayList<String>()
                var log = SuspendingWal.open(store, options)
                log.appendAndSync("record 0".toByteArray())
                written.add("record 0")
                val reader = SuspendingWal.openReadOnly(store, options)
                val follower = async(Dispatchers.Default) { reader.follow().take(1_001).texts() }
                for (part in 0 until 2) {
                    repeat(500) {
                        val text = "record $part/$it ".padEnd(50, '.')
                        log.append(text.toByteArray())
                        written.add(text)
                    }
                    log.close()
                    log = SuspendingWal.open(store, options)
                }
                follower.await() shouldContainExactly written
                reader.replay().texts() shouldContainExactly written
                reader.read(1).text() shouldBe "record 0"
                reader.close()
                log.close()
            }
        }

        "a reader's followers end when it is closed, however long its pause is" {
            runTest {
                val store = WatchedStore()
                SuspendingWal.open(store, QUIET).use { it.appendAndSync("a".toByteArray()) }
                val reader = SuspendingWal.openReadOnly(store, QUIET)
                val (follower, first) = followed(reader.follow())
                first.await()
                reader.close()
                follower.await().getOrThrow() shouldContainExactly listOf("a")
                store.openReaders.get() shouldBe 0
            }
        }
    })

private suspend fun Flow<WalRecord>.texts(): List<String> = toList().map { it.text() }

/** A follower, and when it has its first record. */
private fun TestScope.followed(
    records: Flow<WalRecord>,
): Pair<Deferred<Result<List<String>>>, Deferred<Unit>> {
    val first = CompletableDeferred<Unit>()
    val follower = async { runCatching { records.onEach { first.complete(Unit) }.texts() } }
    return follower to first
}
