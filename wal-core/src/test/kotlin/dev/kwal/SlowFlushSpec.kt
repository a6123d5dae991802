package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.inspectors.forAll
import io.kotest.matchers.shouldBe
import java.time.Duration
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

private val LIMIT: Duration = Duration.ofSeconds(3)

/** A flush that hangs is told while it does. */
class SlowFlushSpec :
    StringSpec({
        "a flush that hangs is told to the listener while it hangs, once" {
            val heard = SlowFlushes { LIMIT }
            val log = LogFixture(options = heard.options).write("a")
            log.hangingSync { gate ->
                log.nanos += LIMIT.toNanos() - 1
                log.tick()
                log.wal.metrics().slowFlushes() shouldBe 0
                log.nanos += 1
                log.tick()
                log.wal.metrics().slowFlushes() shouldBe 1
                heard.next() shouldBe LIMIT
                log.nanos += LIMIT.toNanos()
                log.tick().tick()
                log.wal.metrics().slowFlushes() shouldBe 1
                gate.open()
            }
        }

        "the next flush that hangs is told, too" {
            val heard = SlowFlushes { LIMIT }
            val log = LogFixture(options = heard.options)
            listOf(1L, 2L).forEach { round ->
                log.write("a").hangingSync { gate ->
                    log.nanos += LIMIT.toNanos()
                    log.tick()
                    log.wal.metrics().slowFlushes() shouldBe round
                    heard.next() shouldBe LIMIT
                    gate.open()
                }
            }
        }

        "a flush that ends in time, or fails, is not told, and an idle log has no timer" {
            val log = LogFixture(options = SlowFlushes { LIMIT }.options).write("a").sync()
            log.nanos += LIMIT.toNanos()
            repeat(3) { log.tick() }
            log.background.hasTimers shouldBe false
            log.write("b").store.fail("sync")
            shouldThrow<WalFailedException> { log.sync() }
            log.nanos += LIMIT.toNanos()
            log.tick()
            log.wal.metrics().slowFlushes() shouldBe 0
        }

        "a listener without a limit, or that throws when it is asked, is told nothing" {
            listOf({ Duration.ZERO }, { LIMIT.negated() }, { error("no limit") }).forAll { limit ->
                val log = LogFixture(options = SlowFlushes(limit).options).write("a")
                log.hangingSync { gate ->
                    log.nanos += Duration.ofDays(1).toNanos()
                    log.tick()
                    log.wal.metrics().slowFlushes() shouldBe 0
                    gate.open()
                }
            }
        }

        "without a listener slow flushes are counted" {
            val log = LogFixture().write("a")
            log.hangingSync { gate ->
                log.nanos += Duration.ofSeconds(1).toNanos()
                log.tick()
                log.wal.metrics().slowFlushes() shouldBe 1
                gate.open()
            }
        }
    })

/** Does something while a flush hangs, which lets the flush go on. */
private fun LogFixture.hangingSync(work: (Gate) -> Unit) {
    val gate = store.stopAt("sync")
    val syncing = running { sync() }
    gate.awaitSomebody()
    work(gate)
    syncing.result()
}

private class SlowFlushes(private val limit: () -> Duration) : WalListener {
    private val told = LinkedBlockingQueue<Duration>()

    val options: WalOptions = SMALL_SEGMENTS.withListener(this)

    fun next(): Duration = told.poll(PATIENCE_SECONDS, TimeUnit.SECONDS) ?: error("heard nothing")

    override fun slowFlushLimit() = limit()

    override fun slowFlush(running: Duration) {
        told.add(running)
    }
}
