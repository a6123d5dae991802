package dev.kwal.samples

import io.kotest.core.spec.style.StringSpec
import io.kotest.inspectors.forAll
import io.kotest.matchers.collections.shouldHaveAtLeastSize
import io.kotest.matchers.shouldBe
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.io.path.readText

/** The README shows code that is compiled and run, and points at files that exist. */
class ReadmeSpec :
    StringSpec({
        "each block of Kotlin and Java is the marked part of the sample named before it" {
            val blocks = CODE.findAll(README).map { it.destructured.toList() }.toList()
            blocks shouldHaveAtLeastSize 2
            blocks.forAll { (sample, _, code) -> code shouldBe marked(ROOT.resolve(sample).readText()) }
        }

        "there is no other block of Kotlin or Java" {
            ANY_CODE.findAll(README).count() shouldBe CODE.findAll(README).count()
        }

        "links lead to files" {
            LINK.findAll(README).map { it.groupValues[1] }.toList().forAll { ROOT.resolve(it).exists() shouldBe true }
        }
    })

private val ROOT: Path = Path.of("..")
private val README = ROOT.resolve("README.md").readText()

private val CODE = Regex("<!-- sample: (\\S+) -->\n```(kotlin|java)\n(.*?)```", RegexOption.DOT_MATCHES_ALL)
private val ANY_CODE = Regex("^\\s*```(kotlin|java)", RegexOption.MULTILINE)
private val LINK = Regex("]\\(([^):#]+)\\)")

private fun marked(source: String): String =
    source.substringAfter("// readme: begin\n").substringBefore("// readme: end")
