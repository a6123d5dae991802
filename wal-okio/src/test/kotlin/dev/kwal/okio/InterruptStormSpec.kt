package dev.kwal.okio

import dev.kwal.kills.InterruptStorm
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import okio.FileSystem
import okio.Path.Companion.toOkioPath
import kotlin.random.Random
import kotlin.time.Duration.Companion.days

/** `-Dstorm.interrupts` and `-Dstorm.seed` for another. */
private val INTERRUPTS = Integer.getInteger("storm.interrupts", 2_000)

class InterruptStormSpec :
    StringSpec({
        val seed = System.getProperty("storm.seed")?.toLong() ?: Random.nextInt().toLong()

        "a storm of $INTERRUPTS interrupts takes no record, no flag and no file".config(timeout = 365.days) {
            val store = OkioStore(FileSystem.SYSTEM, tempdir().toOkioPath())
            InterruptStorm(store, seed, INTERRUPTS).run() shouldBeGreaterThanOrEqual INTERRUPTS
        }
    })
