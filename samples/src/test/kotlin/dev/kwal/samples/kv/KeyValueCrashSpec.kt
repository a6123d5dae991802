package dev.kwal.samples.kv

// readme: begin
import dev.kwal.WalOptions
import dev.kwal.testkit.CrashExplorer
import dev.kwal.testkit.CrashPoint
import dev.kwal.testkit.CrashScenario
import dev.kwal.testkit.SimulatedDisk
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeIn
import kotlinx.coroutines.runBlocking

class KeyValueCrashSpec :
    StringSpec({
        "what was put is there after any crash, and a compaction loses nothing" {
            println(CrashExplorer { PutAndCompact() }.explore())
        }
    })

private class PutAndCompact : CrashScenario {
    private val options = WalOptions.DEFAULT.withSegmentBytes(1024)
    private var acknowledged = mapOf<String, String>()
    private var next = mapOf<String, String>()

    override fun run(disk: SimulatedDisk) = runBlocking {
        val store = KeyValueStore.open(disk.store(), disk.snapshots(), options)
        try {
            for (number in 1..20) {
                val key = "key ${number % 3}"
                next = acknowledged + (key to "value $number".padEnd(100))
                store.put(key, next.getValue(key))
                acknowledged = next
                if (number % 6 == 0) store.compact()
            }
        } finally {
            store.close()
        }
    }

    override fun check(survivors: SimulatedDisk, crash: CrashPoint) = runBlocking {
        val store = KeyValueStore.open(survivors.store(), survivors.snapshots(), options)
        store.toMap() shouldBeIn listOf(acknowledged, next)
        store.close()
    }
}
// readme: end
