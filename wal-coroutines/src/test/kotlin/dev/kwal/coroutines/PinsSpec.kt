package dev.kwal.coroutines

import dev.kwal.WalClosedException
import dev.kwal.WalGoneException
import dev.kwal.WalPin
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.SnapshotStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.WalStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import java.util.concurrent.ConcurrentHashMap

/** Pins behind calls that suspend. */
class PinsSpec :
    StringSpec({
        "a pin holds records, lets them go, and is there after a restart" {
            val store = MemoryStore(StoreCapabilities.DURABLE)
            runTest(timeout = PATIENCE) {
                SuspendingWal.open(store, QUIET).use { log ->
                    log.write("a", "b", "c")
                    val pin = log.pin("mailer", WalPin.Overflow.DROP)
                    log.checkpoint(3)
                    log.firstLsn shouldBe 1
                    pin.advance(2)
                    pin.lag.records shouldBe 1
                    log.pin("other").drop()
                }
                SuspendingWal.open(store, QUIET).use { log ->
                    val pin = log.pins.single()
                    listOf(pin.name, pin.lsn, pin.overflow) shouldBe listOf("mailer", 2L, WalPin.Overflow.DROP)
                    log.checkpoint(3)
                    log.firstLsn shouldBe 3
                    log.pin("mailer").overflow shouldBe WalPin.Overflow.DROP
                    pin.drop()
                    pin.isDropped shouldBe true
                    shouldThrow<WalGoneException> { pin.advance(3) }
                }
            }
        }

        "neither the caller's thread nor one that commits writes a pin" {
            val store = PinThreads()
            runTest(timeout = PATIENCE) {
                SuspendingWal.open(store, QUIET).use { log ->
                    log.write("a")
                    log.pin("mailer").run {
                        advance(1)
                        drop()
                    }
                }
            }
            store.threads.isNotEmpty() shouldBe true
            store.threads.filterNot { it.startsWith("DefaultDispatcher") } shouldBe emptyList()
        }

        "a caller who is cancelled before it has begun pins nothing" {
            withLog { log, _ ->
                val caller = launch {
                    cancel()
                    log.pin("mailer")
                }
                caller.join()
                log.pins.size shouldBe 0
            }
        }

        "after close a pin says that the log is closed" {
            withLog { log, _ ->
                log.write("a")
                val pin = log.pin("mailer")
                log.close()
                shouldThrow<WalClosedException> { pin.advance(1) }
                shouldThrow<WalClosedException> { log.pin("mailer") }
            }
        }
    })

/** Writes down which threads write pins. */
private class PinThreads(private val store: WalStore = MemoryStore(StoreCapabilities.DURABLE)) : WalStore by store {
    val threads: MutableSet<String> = ConcurrentHashMap.newKeySet()

    override fun pins(): SnapshotStore = object : SnapshotStore by store.pins() {
        override fun create(sequence: Long, content: SnapshotStore.Content) {
            threads.add(Thread.currentThread().name)
            store.pins().create(sequence, content)
        }
    }
}
