package dev.kwal.storage.contract

import dev.kwal.storage.SnapshotStore
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import java.io.IOException
import java.nio.file.FileAlreadyExistsException
import java.nio.file.NoSuchFileException

/**
 * The rules of [SnapshotStore] as tests. A store is one that passes them.
 *
 * @param medium makes an empty place for each test
 * @param losesPower whether [SnapshotMedium.afterPowerLoss] works
 */
public abstract class SnapshotStoreContract(medium: () -> SnapshotMedium, losesPower: Boolean = false) :
    StringSpec({
        fun on(test: (SnapshotStore) -> Unit) = medium().use { test(it.store()) }

        "a new place has no snapshots" {
            on { store -> repeat(2) { store.sequences() shouldBe emptyList() } }
        }

        "what is written is listed in order and read as it was, by every store on the place" {
            medium().use { place ->
                val store = place.store()
                listOf(10L, 9L, Long.MAX_VALUE).forEach { store.put(it, "snapshot $it") }
                store.put(1, "")
                for (reader in listOf(store, place.store())) {
                    reader.sequences() shouldBe listOf(1L, 9L, 10L, Long.MAX_VALUE)
                    reader.text(9) shouldBe "snapshot 9"
                    reader.text(1) shouldBe ""
                    reader.open(10).use { it.read() shouldBe 's'.code }
                }
            }
        }

        "a snapshot is never replaced" {
            on { store ->
                store.put(1, "one")
                shouldThrow<FileAlreadyExistsException> { store.put(1, "other") }
                store.text(1) shouldBe "one"
            }
        }

        "content that throws leaves nothing, and its exception is passed on" {
            on { store ->
                val errors = listOf(IOException("mine"), IllegalStateException("mine"))
                for (error in errors) {
                    val thrown = shouldThrow<Exception> {
                        store.create(1) {
                            it.write(ByteArray(100_000))
                            throw error
                        }
                    }
                    thrown shouldBe error
                    store.sequences() shouldBe emptyList()
                }
                store.put(1, "one")
                store.text(1) shouldBe "one"
            }
        }

        "a snapshot is not there before it is whole" {
            medium().use { place ->
                val store = place.store()
                store.create(1) {
                    it.write(ByteArray(100_000))
                    it.flush()
                    place.store().sequences() shouldBe emptyList()
                    shouldThrow<NoSuchFileException> { place.store().open(1) }
                }
                store.sequences() shouldBe listOf(1L)
            }
        }

        "content may close its stream, write byte by byte, and in pieces of any size" {
            on { store ->
                val bytes = ByteArray(200_000) { (it * 31).toByte() }
                store.create(1) { target ->
                    target.use { out ->
                        bytes.take(1_000).forEach { out.write(it.toInt()) }
                        out.write(bytes, 1_000, 99_000)
                        out.write(bytes, 100_000, 0)
                        bytes.drop(100_000).chunked(7_001).forEach { out.write(it.toByteArray()) }
                    }
                }
                store.open(1).use { it.readBytes().contentEquals(bytes) } shouldBe true
                val begin = store.open(1).use { input -> List(1_001) { input.read().toByte() } }
                begin shouldBe bytes.take(1_001)
            }
        }

        "an interrupted thread writes, reads and deletes, and stays interrupted" {
            on { store ->
                val bytes = ByteArray(300_000) { (it * 31).toByte() }
                Thread.currentThread().interrupt()
                try {
                    store.create(1) { it.write(bytes) }
                    store.open(1).use { it.readBytes().contentEquals(bytes) } shouldBe true
                    store.delete(1)
                    store.sequences() shouldBe emptyList()
                } finally {
                    Thread.interrupted() shouldBe true
                }
            }
        }

        "what is deleted is gone, and what is not there is said to be missing" {
            on { store ->
                shouldThrow<NoSuchFileException> { store.open(1) }
                store.put(1, "one")
                store.put(2, "two")
                store.delete(1)
                store.sequences() shouldBe listOf(2L)
                shouldThrow<NoSuchFileException> { store.open(1) }
                shouldThrow<NoSuchFileException> { store.delete(1) }
                store.put(1, "again")
                store.text(1) shouldBe "again"
            }
        }

        "a sequence is positive" {
            on { store ->
                for (sequence in listOf(0L, -1L, Long.MIN_VALUE)) {
                    shouldThrow<IllegalArgumentException> { store.put(sequence, "none") }
                }
                store.sequences() shouldBe emptyList()
            }
        }

        "things of others are no snapshots and stay, and what was left half written goes with the next" {
            medium().use { place ->
                place.addForeignThings()
                val store = place.store()
                store.sequences() shouldBe emptyList()
                store.put(1, "one")
                store.sequences() shouldBe listOf(1L)
                place.hasForeignThings() shouldBe true
            }
        }

        if (losesPower) {
            "after a loss of power a snapshot that was created is there, and one that was deleted is not" {
                medium().use { place ->
                    val store = place.store()
                    store.put(1, "one")
                    store.put(2, "two".repeat(50_000))
                    store.delete(1)
                    repeat(50) { seed ->
                        place.afterPowerLoss(seed.toLong()).use { left ->
                            withClue("seed $seed") {
                                left.store().sequences() shouldBe listOf(2L)
                                left.store().text(2) shouldBe "two".repeat(50_000)
                            }
                        }
                    }
                }
            }

            "a loss of power while a snapshot is written leaves none of it" {
                medium().use { place ->
                    place.store().put(1, "one")
                    place.store().create(2) { target ->
                        target.write(ByteArray(200_000))
                        repeat(50) { seed ->
                            place.afterPowerLoss(seed.toLong()).use { left ->
                                left.store().sequences() shouldBe listOf(1L)
                                left.store().put(2, "again")
                                left.store().text(2) shouldBe "again"
                            }
                        }
                    }
                    place.store().sequences() shouldBe listOf(1L, 2L)
                }
            }
        }
    })

private fun SnapshotStore.put(sequence: Long, text: String) = create(sequence) { it.write(text.toByteArray()) }

private fun SnapshotStore.text(sequence: Long) = open(sequence).use { it.readBytes().decodeToString() }

private fun SnapshotStore.sequences() = snapshots().toList()
