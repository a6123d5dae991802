package dev.kwal.cli

import dev.kwal.Wal
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain

class TailSpec :
    StringSpec({
        "the last records come, ten if nobody says how many" {
            inDirectory { directory ->
                directory.log(*Array(15) { "record ${it + 1}" })
                kwal("tail", directory).lines.first() shouldBe "6\trecord 6"
                kwal("tail", "-n", 2, directory).text shouldBe "14\trecord 14\n15\trecord 15\n"
                kwal("tail", "-n", 99, directory).lines.size shouldBe 15
                kwal("tail", "--from", 15, directory).text shouldBe "15\trecord 15\n"
                kwal("tail", "-n", -1, directory).code shouldBe 2
            }
        }

        "a follower gets what becomes durable, beside the owner and beside the next one" {
            inDirectory { directory ->
                directory.log("a", "b")
                KwalProcess("tail", "-f", "-n", 1, directory).use { process ->
                    val lines = process.output.bufferedReader()
                    lines.readLine() shouldBe "2\tb"
                    Wal.open(directory, SMALL).use { log ->
                        log.appendAndSync("c".toByteArray())
                        log.appendAndSync(large(4).toByteArray())
                        lines.readLine() shouldBe "3\tc"
                        lines.readLine() shouldBe "4\t${large(4)}"
                        log.rotate()
                        log.appendAndSync("e".toByteArray())
                        lines.readLine() shouldBe "5\te"
                    }
                    directory.log("f")
                    lines.readLine() shouldBe "6\tf"
                }
            }
        }

        "a follower whose records are given up says so" {
            inDirectory { directory ->
                Wal.open(directory, SMALL).use { log ->
                    repeat(4) { log.appendAndSync("$it".toByteArray()) }
                    KwalProcess("tail", "-f", "-n", 1, directory).use { process ->
                        process.output.bufferedReader().readLine() shouldBe "4\t3"
                        log.truncateAfter(1)
                        log.appendAndSync("other".toByteArray())
                        val outcome = process.outcome()
                        outcome.errors shouldContain "record 5 is gone: given up by a truncation"
                        outcome.code shouldBe 3
                    }
                }
            }
        }

        "a follower ends when nobody reads any more" {
            inDirectory { directory ->
                Wal.open(directory, SMALL).use { log ->
                    log.appendAndSync("a".toByteArray())
                    KwalProcess("tail", "-f", directory).use { process ->
                        process.output.read() shouldBe '1'.code
                        process.output.close()
                        log.appendAndSync("b".toByteArray())
                        process.outcomeUnread().code shouldBe 141
                    }
                }
            }
        }
    })
