package dev.kwal.samples

import io.kotest.core.spec.style.StringSpec
import io.kotest.inspectors.forAll
import io.kotest.matchers.collections.shouldHaveAtLeastSize
import io.kotest.matchers.shouldBe
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.io.path.readText

/** The READMEs show code that is compiled and run, and point at files that exist. */
class ReadmeSpec :
    StringSpec({
        for (name in listOf("README.md", "wal-testkit/README.md")) {
            val file = ROOT.resolve(name)
            val readme = file.readText()

            "each block of Kotlin and Java in $name is the marked part of the sample named before it" {
                val blocks = CODE.findAll(readme).map { it.destructured.toList() }.toList()
                blocks shouldHaveAtLeastSize 2
                blocks.forAll { (sample, _, code) -> code shouldBe marked(ROOT.resolve(sample).readText()) }
            }

            "there is no other block of Kotlin or Java in $name" {
                ANY_CODE.findAll(readme).count() shouldBe CODE.findAll(readme).count()
            }

            "links in $name lead to files" {
                LINK.findAll(readme).map { it.groupValues[1] }.toList().forAll {
                    file.resolveSibling(it).exists() shouldBe true
                }
            }
        }
    })

private val ROOT: Path = Path.of("..")

private val CODE = Regex("<!-- sample: (\\S+) -->\n```(kotlin|java)\n(.*?)```", RegexOption.DOT_MATCHES_ALL)
private val ANY_CODE = Regex("^\\s*```(kotlin|java)", RegexOption.MULTILINE)
private val LINK = Regex("]\\(([^):#]+)\\)")

private fun marked(source: String): String =
    source.substringAfter("// readme: begin\n").substringBefore("// readme: end")
