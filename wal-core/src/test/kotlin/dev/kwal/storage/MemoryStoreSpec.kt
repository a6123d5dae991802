package dev.kwal.storage

import dev.kwal.storage.contract.bytes
import dev.kwal.storage.contract.make
import dev.kwal.storage.contract.text
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException

/** What a store in memory does beyond the contract. */
class MemoryStoreSpec :
    StringSpec({
        "it promises nothing unless it is told to" {
            MemoryStore().capabilities() shouldBe StoreCapabilities(false, false, true)
            MemoryStore(StoreCapabilities.DURABLE).capabilities() shouldBe StoreCapabilities.DURABLE
        }

        "it is told not to resume" {
            val store = MemoryStore(StoreCapabilities(true, true, false))
            store.make(1, "h")
            shouldThrow<UnsupportedOperationException> { store.resume(1, 1, 0) }
        }

        "a full store fails the creation of a segment and leaves nothing behind" {
            val store = MemoryStore(StoreCapabilities.DURABLE, 100)
            store.create(1, bytes("h"), 60).use { writer ->
                shouldThrow<IOException> { store.create(2, bytes("h"), 60) }.message shouldContain "no space left"
                store.segments().toList() shouldBe listOf(1L)
                writer.append(bytes("x".repeat(59)))
            }
            store.create(2, bytes("h"), 40).close()
        }

        "an append that does not fit does nothing" {
            val store = MemoryStore(StoreCapabilities.DURABLE, 10)
            store.create(1, bytes("h"), 0).use { writer ->
                shouldThrow<IOException> { writer.append(bytes("0123456789")) }
                store.text(1) shouldBe "h"
            }
        }

        "closing a writer and deleting a segment give space back" {
            val store = MemoryStore(StoreCapabilities.DURABLE, 100)
            store.create(1, bytes("h"), 100).close()
            store.create(2, bytes("h"), 99).close()
            store.delete(2)
            store.make(3, "x".repeat(99))
            store.delete(1)
            store.delete(3)
            store.create(4, bytes("h"), 100).close()
        }

        "a resume prepares space or fails" {
            val store = MemoryStore(StoreCapabilities.DURABLE, 100)
            store.make(1, "0123456789")
            shouldThrow<IOException> { store.resume(1, 10, 101) }
            store.resume(1, 10, 100).use { it.append(bytes("x".repeat(90))) }
        }

        "preparing counts, and fails when it does not fit" {
            val store = MemoryStore(StoreCapabilities.DURABLE, 100)
            store.create(1, bytes("h"), 10).use { writer ->
                writer.prepare(0) shouldBe 10
                shouldThrow<IOException> { writer.prepare(101) }
                writer.prepare(100) shouldBe 100
                shouldThrow<IOException> { store.create(2, bytes("h"), 0) }
                writer.append(bytes("x".repeat(99)))
            }
        }

        "resuming in the middle of a chunk or at its end keeps what is before" {
            val store = MemoryStore()
            val text = "0123456789abcdef".repeat(5000)
            for (position in listOf(0, 1, 16_383, 16_384, 16_385, 32_768, 79_999, 80_000)) {
                store.make(1, text)
                store.resume(1, position.toLong(), 0).use { it.append(bytes("+++")) }
                store.text(1) shouldBe text.take(position) + "+++"
                store.delete(1)
            }
        }

        "wrong arguments are the caller's mistake" {
            val store = MemoryStore()
            store.make(1, "h")
            shouldThrow<IllegalArgumentException> { store.create(0, bytes("h"), 0) }
            shouldThrow<IllegalArgumentException> { store.create(2, bytes("h"), -1) }
            shouldThrow<IllegalArgumentException> { store.resume(1, 2, 0) }
            shouldThrow<IllegalArgumentException> { MemoryStore(StoreCapabilities.DURABLE, -1) }
        }
    })
