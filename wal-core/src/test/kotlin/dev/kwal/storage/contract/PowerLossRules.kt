package dev.kwal.storage.contract

import dev.kwal.storage.WalStore
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe

/** The rules that only a medium that can lose its power shows. */
internal fun StringSpec.powerLossRules(medium: () -> Medium) {
    fun afterPowerLoss(work: (WalStore) -> Unit, test: (WalStore) -> Unit) = medium().use { place ->
        val store = place.store()
        store.lock()
        work(store)
        repeat(50) { seed ->
            place.afterPowerLoss(seed.toLong()).use { left -> withClue("seed $seed") { test(left.store()) } }
        }
    }

    "a new segment survives a loss of power with its header" {
        afterPowerLoss({ it.create(1, bytes("header"), 1000) }) {
            it.segments().toList() shouldBe listOf(1L)
            it.text(1).take(6) shouldBe "header"
        }
    }

    "pins survive a loss of power" {
        afterPowerLoss({ it.pins().create(1) { pins -> pins.write(byteArrayOf(7)) } }) {
            it.pins().open(1).use { pins -> pins.readAllBytes().toList() } shouldBe listOf<Byte>(7)
        }
    }

    "synced bytes survive a loss of power" {
        afterPowerLoss({
            val writer = it.create(1, bytes("h"), 1000)
            repeat(100) { writer.append(bytes("0123456789")) }
            writer.sync()
            writer.append(bytes("later"))
        }) {
            it.text(1).take(1001) shouldBe "h" + "0123456789".repeat(100)
        }
    }

    "bytes synced after a resume survive a loss of power" {
        afterPowerLoss({
            it.make(1, "habc")
            if (it.capabilities().resumable()) {
                val writer = it.resume(1, 4, 1000)
                writer.append(bytes("def"))
                writer.sync()
            }
        }) {
            it.text(1).take(4) shouldBe "habc"
            if (it.capabilities().resumable()) it.text(1).take(7) shouldBe "habcdef"
        }
    }

    "a deleted segment does not come back once another was made" {
        afterPowerLoss({
            it.make(1, "old")
            it.delete(1)
            it.create(2, bytes("new"), 0)
        }) {
            it.segments().toList() shouldBe listOf(2L)
        }
    }

    "the lock is free after a loss of power" {
        afterPowerLoss({ it.make(1, "h") }) { it.lock().close() }
    }
}
