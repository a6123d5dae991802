package dev.kwal.samples

import dev.kwal.Wal
import dev.kwal.WalFencedException
import dev.kwal.coroutines.SuspendingWal
import dev.kwal.coroutines.use
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import okio.Path.Companion.toOkioPath
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import java.nio.ByteBuffer
import kotlin.io.path.listDirectoryEntries

/** What the README shows does what it says, in both languages, on the same log. */
class QuickStartSpec :
    StringSpec({
        "the quick starts append, and read what they appended" {
            val directory = tempdir().toPath()
            printed { quickStart(directory) } shouldBe listOf("1: order 1 paid", "2: order 1 packed")
            printed { QuickStartInJava.run(directory) } shouldBe listOf("3: order 1 paid", "4: order 1 packed")
        }

        "values are appended and come back" {
            SuspendingWal.open(tempdir().toPath()).use { log ->
                printed { typedQuickStart(log) } shouldBe listOf("1: Order(id=1, state=paid)")
            }
        }

        "a slow reader goes on where its pin stands" {
            SuspendingWal.open(tempdir().toPath()).use { log ->
                val sent = ArrayList<String>()
                log.append("order 1".toByteArray())
                mailOrders(log) { sent.add(it) }
                log.append("order 2".toByteArray())
                log.checkpoint(2)
                mailOrders(log) { sent.add(it) }
                sent shouldBe listOf("order 1", "order 2")
            }
        }

        "who decided by what is no longer the last decides again, and who led before is shut out" {
            SuspendingWal.open(tempdir().toPath()).use { log ->
                val seen = ArrayList<Long>()
                val old = lead(log)
                printed {
                    appendDecided(log) { lsn ->
                        if (seen.isEmpty()) old.append(ByteBuffer.wrap("in between".toByteArray()))
                        seen.add(lsn)
                        ByteBuffer.wrap("order 1 paid".toByteArray())
                    } shouldBe 2
                } shouldBe listOf("decided by 0, but 2 is next: again")
                seen shouldBe listOf(0L, 1L)
                lead(log).epoch shouldBe 2
                shouldThrow<WalFencedException> { old.append(ByteBuffer.wrap("late".toByteArray())) }
            }
        }

        "a log lives on okio" {
            val directory = tempdir().toOkioPath()
            printed { okioQuickStart(directory) } shouldBe listOf("1: order 1 paid")
        }

        "a count survives in snapshots, while the log stays short" {
            val directory = tempdir().toPath()
            (1L..5L).map { countOrder(directory) } shouldBe listOf(1L, 2, 3, 4, 5)
            Wal.openReadOnly(directory).use { it.firstLsn() shouldBe 5 }
            directory.resolve("snapshots").listDirectoryEntries().size shouldBe 2
        }
    })

private suspend fun printed(block: suspend () -> Unit): List<String> {
    val before = System.out
    val bytes = ByteArrayOutputStream()
    System.setOut(PrintStream(bytes, true))
    try {
        block()
    } finally {
        System.setOut(before)
    }
    return bytes.toString().lines().dropLast(1)
}
