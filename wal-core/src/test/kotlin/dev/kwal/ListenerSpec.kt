package dev.kwal

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

/** Who listens to a log hears what becomes of it, and may hold a segment back. */
class ListenerSpec :
    StringSpec({
        "a listener hears of opening, of sealed segments, of dropped pins and of the failure, in order" {
            val heard = Heard()
            val log = LogFixture(options = heard.options().withRetention(quota(2)))
            heard.next() shouldBe "recovered NEW"
            log.writeLarge(4).sync()
            heard.next() shouldBe "sealed 1, records 1 to 2"
            log.wal.pin("mailer", WalPin.Overflow.DROP).advance(1)
            log.checkpoint(4).writeLarge(1)
            heard.next() shouldBe "may delete 1"
            heard.next() shouldBe "dropped mailer at 1"
            heard.next() shouldBe "may delete 1"
            heard.next() shouldBe "sealed 2, records 3 to 4"
            log.store.fail("sync")
            shouldThrow<WalFailedException> { log.sync() }
            heard.next() shouldBe "failed: the medium failed"
            shouldThrow<WalFailedException> { log.write("a") }
            runCatching { log.close() }
            heard.awaitEnd()
        }

        "a sealed segment is durable when the listener hears of it" {
            val durable = LinkedBlockingQueue<Boolean>()
            lateinit var log: LogFixture
            val listener = object : WalListener {
                override fun sealed(segment: SegmentInfo) {
                    durable.add(log.wal.durableLsn() >= segment.lastLsn() && segment.sealed())
                }
            }
            log = LogFixture(options = SMALL_SEGMENTS.withListener(listener))
            log.writeLarge(3)
            durable.poll(PATIENCE_SECONDS, TimeUnit.SECONDS) shouldBe true
        }

        "a segment that the listener keeps stays, with its records and all behind it, until it is allowed" {
            val heard = Heard(kept = 2)
            val log = LogFixture(options = heard.options()).writeLarge(8).sync()
            log.wal.checkpoint(7) shouldBe 1
            log.wal.firstLsn() shouldBe 3
            log.records().first() shouldBe largeRecord(3)
            heard.kept = 0
            log.wal.checkpoint(7) shouldBe 2
            log.wal.firstLsn() shouldBe 8
        }

        "no pin is given up for a segment that the listener keeps" {
            val heard = Heard(kept = 1)
            val log = LogFixture(options = heard.options().withRetention(quota(2))).writeLarge(4).sync()
            val pin = log.wal.pin("mailer", WalPin.Overflow.DROP)
            log.checkpoint(4)
            shouldThrow<WalNoSpaceException> { log.writeLarge(1) }
            pin.isDropped shouldBe false
            heard.kept = 0
            log.writeLarge(1)
            pin.isDropped shouldBe true
        }

        "a pin that is made while the listener is asked holds" {
            lateinit var log: LogFixture
            val listener = object : WalListener {
                override fun mayDelete(segment: SegmentInfo): Boolean {
                    log.wal.pin("mailer")
                    return true
                }
            }
            log = LogFixture(options = SMALL_SEGMENTS.withListener(listener)).writeLarge(4).sync()
            log.checkpoint(4).wal.firstLsn() shouldBe 1
            log.records().size shouldBe 4
        }

        "a listener that throws keeps the segment, and the checkpoint is done for what is before it" {
            val heard = Heard(kept = -1)
            val log = LogFixture(options = heard.options()).writeLarge(4).sync()
            log.wal.checkpoint(4) shouldBe 0
            log.records().size shouldBe 4
        }

        "only segments that would be deleted are asked for" {
            val heard = Heard()
            val log = LogFixture(options = heard.options()).writeLarge(6).sync()
            log.wal.pin("mailer").advance(3)
            log.checkpoint(6).close()
            heard.all() shouldBe listOf(
                "recovered NEW",
                "sealed 1, records 1 to 2",
                "sealed 2, records 3 to 4",
                "may delete 1",
            )
        }

        "a listener is never called on the thread that appends or checkpoints, and may drop records itself" {
            val threads = LinkedBlockingQueue<Thread>()
            lateinit var log: LogFixture
            val listener = object : WalListener {
                override fun sealed(segment: SegmentInfo) {
                    threads.add(Thread.currentThread())
                    log.wal.checkpoint(segment.lastLsn())
                    threads.add(Thread.currentThread())
                }

                override fun mayDelete(segment: SegmentInfo) = threads.add(Thread.currentThread())
            }
            log = LogFixture(options = SMALL_SEGMENTS.withListener(listener))
            log.writeLarge(3)
            val seen = List(3) { checkNotNull(threads.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)) }
            seen.toSet().size shouldBe 1
            seen.first().name shouldStartWith "kwal-"
            log.wal.firstLsn() shouldBe 3
        }

        "a listener that hangs holds up nobody who appends" {
            val gate = Gate()
            val listener = object : WalListener {
                override fun sealed(segment: SegmentInfo) = gate.pass()
            }
            val log = LogFixture(options = SMALL_SEGMENTS.withListener(listener))
            log.writeLarge(3)
            gate.awaitSomebody()
            log.writeLarge(5).sync().wal.durableLsn() shouldBe 8
            gate.open()
        }
    })

private fun quota(segments: Int) =
    Retention.UNLIMITED.withMaxBytes(segments * ActiveSegment.fullBytes(SMALL_SEGMENTS.segmentBytes()))

/** Writes down what it hears. */
private class Heard(@Volatile var kept: Long = 0) : WalListener {
    private val events = LinkedBlockingQueue<String>()

    fun options(): WalOptions = SMALL_SEGMENTS.withListener(this)

    fun next(): String = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS) ?: error("heard nothing")

    /** Everything, of a log that is closed. */
    fun all(): List<String> = buildList {
        while (true) {
            add(events.poll() ?: break)
        }
    }

    fun awaitEnd() = all() shouldBe emptyList()

    override fun recovered(report: RecoveryReport) {
        events.add("recovered ${report.end()}")
    }

    override fun sealed(segment: SegmentInfo) {
        events.add("sealed ${segment.sequence()}, records ${segment.baseLsn()} to ${segment.lastLsn()}")
    }

    override fun mayDelete(segment: SegmentInfo): Boolean {
        events.add("may delete ${segment.sequence()}")
        check(kept >= 0) { "kept" }
        return segment.sequence() != kept
    }

    override fun pinDropped(name: String, lsn: Long) {
        events.add("dropped $name at $lsn")
    }

    override fun failed(cause: Throwable) {
        events.add("failed: ${cause.message}")
    }
}
