package dev.kwal.samples

import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import java.io.ByteArrayOutputStream
import java.io.PrintStream

/** What the README shows does what it says, in both languages, on the same log. */
class QuickStartSpec :
    StringSpec({
        "the quick starts append, and read what they appended" {
            val directory = tempdir().toPath()
            printed { quickStart(directory) } shouldBe listOf("1: order 1 paid", "2: order 1 packed")
            printed { QuickStartInJava.run(directory) } shouldBe listOf("3: order 1 paid", "4: order 1 packed")
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
