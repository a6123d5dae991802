package dev.kwal.micrometer

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalOptions
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.core.spec.style.StringSpec
import io.kotest.inspectors.forAll
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.micrometer.core.instrument.Tag
import io.micrometer.core.instrument.simple.SimpleMeterRegistry
import java.util.concurrent.TimeUnit

/** A registry reads the metrics of a log. */
class WalMetersSpec :
    StringSpec({
        "counters and gauges follow the log" {
            open().use { log ->
                val registry = SimpleMeterRegistry()
                WalMeters(log).bindTo(registry)
                registry.get("kwal.append.records").functionCounter().count() shouldBe 0.0
                log.append("a".toByteArray(), Durability.BUFFERED)
                registry.get("kwal.append.records").functionCounter().count() shouldBe 1.0
                registry.get("kwal.sync.records").functionCounter().count() shouldBe 0.0
                log.append("b".toByteArray(), Durability.SYNCED)
                registry.get("kwal.append.records").functionCounter().count() shouldBe 2.0
                registry.get("kwal.sync.records").functionCounter().count() shouldBe 2.0
                registry.get("kwal.append.bytes").functionCounter().count() shouldBe
                    log.metrics().appendedBytes().toDouble()
                registry.get("kwal.size").gauge().value() shouldBe log.sizeBytes().toDouble()
                registry.get("kwal.buffer").gauge().value() shouldBe 0.0
                registry.get("kwal.waiting").gauge().value() shouldBe 0.0
                registry.get("kwal.unsynced.age").timeGauge().value() shouldBe 0.0
                registry.get("kwal.flush.slow").functionCounter().count() shouldBe 0.0
            }
        }

        "times are told in the unit of the registry, with count, total and percentiles" {
            open().use { log ->
                val registry = SimpleMeterRegistry()
                WalMeters(log).bindTo(registry)
                log.append("a".toByteArray(), Durability.SYNCED)
                val nanos = log.metrics().flushNanos()
                val timer = registry.get("kwal.flush").functionTimer()
                timer.count() shouldBe 1.0
                timer.totalTime(TimeUnit.NANOSECONDS) shouldBe nanos.sum().toDouble()
                listOf("0.5", "0.99", "1.0").forAll { phi ->
                    val gauge = registry.get("kwal.flush.percentile").tag("phi", phi).timeGauge()
                    gauge.value(TimeUnit.NANOSECONDS) shouldBe nanos.max().toDouble()
                }
                registry.get("kwal.recovery").timeGauge().value() shouldBeGreaterThan 0.0
                listOf("kwal.write", "kwal.room.wait", "kwal.rotation").forAll {
                    registry.get(it).functionTimer().count() shouldBe 1.0
                }
            }
        }

        "logs in one registry are told apart by their tags" {
            open().use { orders ->
                open().use { mails ->
                    val registry = SimpleMeterRegistry()
                    WalMeters(orders, listOf(Tag.of("log", "orders"))).bindTo(registry)
                    WalMeters(mails, listOf(Tag.of("log", "mails"))).bindTo(registry)
                    orders.append("a".toByteArray())
                    registry.get("kwal.append.records").tag("log", "orders").functionCounter().count() shouldBe 1.0
                    registry.get("kwal.append.records").tag("log", "mails").functionCounter().count() shouldBe 0.0
                    registry.meters.forAll { (it.id.getTag("log") in listOf("orders", "mails")) shouldBe true }
                }
            }
        }

        "every meter is one of Kwal, and has a description" {
            open().use { log ->
                val registry = SimpleMeterRegistry()
                WalMeters(log).bindTo(registry)
                registry.meters.forAll { it.id.description.isNullOrBlank() shouldBe false }
                registry.meters.map { it.id.name }.toSet() shouldContainExactlyInAnyOrder listOf(
                    "kwal.append.bytes", "kwal.append.records", "kwal.buffer", "kwal.flush", "kwal.flush.percentile",
                    "kwal.flush.slow", "kwal.recovery", "kwal.room.wait", "kwal.room.wait.percentile", "kwal.rotation",
                    "kwal.rotation.percentile", "kwal.size", "kwal.sync.records", "kwal.unsynced.age", "kwal.waiting",
                    "kwal.write", "kwal.write.percentile",
                )
            }
        }
    })

private fun open(): Wal = Wal.open(MemoryStore(StoreCapabilities.DURABLE), WalOptions.DEFAULT)
