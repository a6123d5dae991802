package dev.kwal.testkit

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.records
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.extensions.system.withSystemProperty
import io.kotest.matchers.collections.shouldContainAll
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import java.nio.ByteBuffer

/** That the runner crashes everywhere, finds what is broken, and finds it again. */
class CrashExplorerSpec :
    StringSpec({
        "a program that acknowledges what was synced comes through every crash" {
            val report = CrashExplorer { Appends(Durability.SYNCED) }.explore()
            report.checks shouldBeGreaterThan report.calls * 7
        }

        "a program that acknowledges before it syncs is found out by a loss of power" {
            val failure = shouldThrow<CrashFailure> { CrashExplorer { Appends(Durability.WRITTEN) }.explore() }
            failure.point.strictness shouldBe Strictness.ORDERED_METADATA
            failure.message shouldContain "-Dkwal.crash=${failure.point}"
            failure.cause?.message shouldContain "acknowledged"
        }

        "what is written and not synced survives the end of the process" {
            CrashExplorer { Appends(Durability.WRITTEN) }.withStrictness(Strictness.PROCESS_KILL).explore()
        }

        "a program that acknowledges before it writes is found out by the end of the process" {
            val explorer = CrashExplorer { Appends(Durability.BUFFERED) }.withStrictness(Strictness.PROCESS_KILL)
            shouldThrow<CrashFailure> { explorer.explore() }.point.strictness shouldBe Strictness.PROCESS_KILL
        }

        "a check that cannot be done again after a crash inside it is found out" {
            val failure = shouldThrow<CrashFailure> {
                CrashExplorer { Appends(Durability.SYNCED, checksOnce = true) }.explore()
            }
            failure.point.recoveryCall shouldBeGreaterThan 0
            failure.message shouldContain "of a check"
        }

        "the point of a failure gives that failure, by call and by property, and no other crash" {
            val explorer = CrashExplorer { Appends(Durability.WRITTEN) }
            val found = shouldThrow<CrashFailure> { explorer.explore() }
            shouldThrow<CrashFailure> { explorer.check(found.point) }.point shouldBe found.point
            withSystemProperty("kwal.crash", "${found.point}") {
                shouldThrow<CrashFailure> { explorer.explore() }.message shouldContain "acknowledged"
                explorer.calls() shouldBe listOf(found.point.call)
                val points = ArrayList<CrashPoint>()
                CrashExplorer { Appends(Durability.SYNCED) { _, point -> points.add(point) } }.explore()
                points.toSet() shouldBe setOf(found.point)
            }
            CrashPoint.of("${found.point}") shouldBe found.point
        }

        "the same settings give the same crashes, another seed gives others" {
            fun seen(seed: Long): List<String> = buildList {
                CrashExplorer {
                    Writes { disk ->
                        add("${disk.names().map { disk.bytes(SimulatedDisk.DIRECTORY.resolve(it)).toList() }}")
                    }
                }
                    .withSeed(seed)
                    .explore()
            }
            seen(1) shouldBe seen(1)
            seen(1) shouldNotBe seen(2)
        }

        "there is a crash before each call that changes something and at the end, at each level" {
            val points = ArrayList<CrashPoint>()
            val scenario = object : CrashScenario by Writes({ }) {
                override fun check(survivors: SimulatedDisk, crash: CrashPoint) {
                    points.add(crash)
                }
            }
            val report = CrashExplorer { scenario }.withImages(2).explore()
            val end = SimulatedDisk().also { scenario.run(it) }.count(DiskCall.MUTATIONS) + 1
            points.map { Triple(it.call, it.strictness, it.image) } shouldBe (1..end).flatMap { call ->
                listOf(
                    Triple(call, Strictness.PROCESS_KILL, 0),
                    Triple(call, Strictness.ORDERED_METADATA, 0),
                    Triple(call, Strictness.ORDERED_METADATA, 1),
                    Triple(call, Strictness.LOOSE_POSIX, 0),
                    Triple(call, Strictness.LOOSE_POSIX, 1),
                )
            }
            report.calls shouldBe end
            report.checks shouldBe points.size
        }

        "the bound on checks leaves out calls, evenly, and keeps the end" {
            val explorer = CrashExplorer { Writes { } }
            val all = explorer.calls()
            val some = explorer.withMaxChecks(100).calls()
            explorer.withMaxChecks(100).explore().checks shouldBeLessThanOrEqual 100
            all shouldContainAll some
            some.last() shouldBe all.last()
            some.zipWithNext { a, b -> b - a }.toSet().size shouldBe 1
        }

        "a run that fails by itself is no crash" {
            val scenario = object : CrashScenario {
                override fun run(disk: SimulatedDisk) = error("broken")

                override fun check(survivors: SimulatedDisk, crash: CrashPoint) = Unit
            }
            shouldThrow<IllegalStateException> { CrashExplorer { scenario }.explore() }.message shouldBe "broken"
            shouldThrow<AssertionError> { CrashExplorer { scenario }.crashBefore(3) }.message shouldContain "broken"
        }
    })

/** Appends records and takes each for acknowledged when it is buffered, written or synced. */
private class Appends(
    private val level: Durability,
    private val checksOnce: Boolean = false,
    private val seen: (SimulatedDisk, CrashPoint) -> Unit = { _, _ -> },
) : CrashScenario {
    private val acknowledged = ArrayList<String>()
    private val options = WalOptions.DEFAULT.withSegmentBytes(1024)

    override fun run(disk: SimulatedDisk) {
        Wal.open(disk.store(), options).use { log ->
            for (number in 1..5) {
                val record = "$number".padEnd(300)
                log.append(record.toByteArray(), level)
                acknowledged.add(record)
            }
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) {
        seen(survivors, crash)
        val mark = SimulatedDisk.DIRECTORY.resolve("checked")
        if (checksOnce && "checked" in survivors.names()) error("checked twice")
        if (checksOnce) survivors.put(mark, ByteArray(1))
        Wal.open(survivors.store(), options).use { log ->
            val found = log.records()
            check(found.size >= acknowledged.size) { "${found.size} records, acknowledged were ${acknowledged.size}" }
            check(found.take(acknowledged.size) == acknowledged) { "other records came back" }
        }
    }
}

/** Writes a segment of a store, without a log and its threads. */
private class Writes(private val seen: (SimulatedDisk) -> Unit) : CrashScenario {
    override fun run(disk: SimulatedDisk) {
        val store = disk.store()
        store.lock().use {
            store.create(1, ByteBuffer.wrap(ByteArray(8)), 0).use { writer ->
                for (number in 1..20) {
                    writer.append(ByteBuffer.wrap(ByteArray(300) { number.toByte() }))
                    if (number % 7 == 0) writer.sync()
                }
            }
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) = seen(survivors)
}
