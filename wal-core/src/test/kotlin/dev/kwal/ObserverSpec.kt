package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.collections.shouldContainInOrder
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import java.util.concurrent.CopyOnWriteArraySet
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** Who observes a log hears of every change, after it, one call at a time. */
class ObserverSpec :
    StringSpec({
        "an observer sees what was written, synced, dropped and given up" {
            val log = LogFixture()
            val seen = log.observe { listOf(it.writtenLsn(), it.durableLsn(), it.firstLsn(), it.epoch()) }
            log.write("a", "b")
            seen.awaitLast(listOf(2, 0, 1, 0))
            log.sync()
            seen.awaitLast(listOf(2, 2, 1, 0))
            log.checkpoint(1)
            seen.awaitLast(listOf(2, 2, 2, 0))
            log.truncateAfter(1)
            seen.awaitLast(listOf(1, 1, 2, 1))
        }

        "an observer sees the log fail, with the cause" {
            val log = LogFixture().write("a")
            val seen = log.observe { it.state() to it.failure()?.message }
            log.store.fail("sync")
            shouldThrow<WalFailedException> { log.sync() }
            seen.awaitLast(WalState.FAILED to "the medium failed")
            runCatching { log.close() }
            seen.awaitLast(WalState.CLOSED to "the medium failed")
        }

        "an observer sees space go and come back" {
            val log = LogFixture().writeLarge(2)
            val seen = log.observe { it.state() to it.failure() }
            val cause = noSpace()
            log.store.fail("create", times = Int.MAX_VALUE) { cause }
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }
            seen.awaitLast(WalState.NO_SPACE to cause)
            log.store.heal()
            log.writeLarge(1)
            seen.awaitLast(WalState.OPEN to null)
        }

        "an observer sees the log closed" {
            val log = LogFixture().write("a")
            val seen = log.observe { it.state() }
            log.close()
            seen.awaitLast(WalState.CLOSED)
        }

        "one observer that throws takes nothing from the others" {
            val log = LogFixture()
            log.wal.addObserver { error("not mine") }
            val seen = log.observe { it.writtenLsn() }
            log.write("a")
            seen.awaitLast(1L)
            log.write("b")
            seen.awaitLast(2L)
        }

        "an observer that was removed hears nothing" {
            val log = LogFixture()
            val removed = AtomicInteger()
            val observer = Runnable { removed.incrementAndGet() }
            log.wal.addObserver(observer)
            log.wal.removeObserver(observer)
            val seen = log.observe { it.writtenLsn() }
            log.write("a")
            seen.awaitLast(1L)
            removed.get() shouldBe 0
        }

        "an observer is called by one thread at a time, which is the log's" {
            val inside = AtomicInteger()
            val most = AtomicInteger()
            val threads = CopyOnWriteArraySet<String>()
            val log = LogFixture()
            val seen = log.observe {
                most.accumulateAndGet(inside.incrementAndGet(), ::maxOf)
                threads.add(Thread.currentThread().name)
                Thread.yield()
                inside.decrementAndGet()
                it.writtenLsn()
            }
            repeat(200) { log.write("a") }
            seen.awaitLast(200L)
            most.get() shouldBe 1
            threads.all { it.startsWith("kwal-") } shouldBe true
        }

        "an observer that blocks holds up nobody who appends" {
            val log = LogFixture()
            val gate = Gate()
            log.wal.addObserver { gate.pass() }
            log.write("a")
            gate.awaitSomebody()
            log.write("b").sync().wal.durableLsn() shouldBe 2
            gate.open()
        }

        "there is a limit to observers" {
            val wal = LogFixture().wal
            repeat(Observers.MAX_COUNT) { wal.addObserver { } }
            shouldThrow<IllegalStateException> { wal.addObserver { } }.message shouldBe
                "there are 1024 observers already"
        }

        "a log knows what its store can promise" {
            LogFixture().wal.capabilities() shouldBeSameInstanceAs LogFixture().store.capabilities()
        }
    })

/** What an observer saw, in order. */
private class Seen<T> {
    val values = LinkedBlockingQueue<T>()

    /** The last that comes is this one, whatever comes before it. */
    fun awaitLast(expected: T) {
        var last: T?
        do {
            last = values.poll(PATIENCE_SECONDS, TimeUnit.SECONDS) ?: error("did not see $expected")
        } while (last != expected)
    }
}

private fun <T> LogFixture.observe(look: (Wal) -> T): Seen<T> {
    val seen = Seen<T>()
    wal.addObserver { seen.values.add(look(wal)) }
    return seen
}
