package dev.kwal.samples.events

import dev.kwal.storage.MemorySnapshotStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldNotContain

class MetricsSpec :
    StringSpec({
        defaultTestConfig = GUARDED

        "Prometheus is told what was appended and flushed, and how far each consumer is behind" {
            served({
                service(maxFollowers = 1) {
                    store = MemoryStore(StoreCapabilities.DURABLE)
                    snapshots = MemorySnapshotStore()
                }
            }) {
                get("/metrics").headers().firstValue("Content-Type").get() shouldBe
                    "text/plain; version=0.0.4; charset=UTF-8"
                metric("kwal_append_records_total") shouldBe 0.0
                put("/consumers/mailer")
                postInOrder(3)
                metric("kwal_append_records_total") shouldBe 3.0
                metric("kwal_sync_records_total") shouldBe 3.0
                metric("kwal_flush_seconds_count") shouldBeGreaterThan 0.0
                metric("""events_consumer_lag_records{consumer="mailer"}""") shouldBe 3.0
                put("/consumers/mailer/acknowledged?lsn=2")
                metric("""events_consumer_lag_records{consumer="mailer"}""") shouldBe 1.0
                delete("/consumers/mailer")
                get("/metrics").body() shouldNotContain "mailer"
            }
        }
    })
