package dev.kwal.samples.importer

import dev.kwal.Wal
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.inspectors.forAll
import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldEndWith
import io.kotest.matchers.string.shouldStartWith
import io.kotest.property.checkAll
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.InputStream
import java.io.PrintStream
import kotlin.io.path.copyTo
import kotlin.io.path.createDirectory
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TestTimeSource

/** What goes in comes out, and mistakes are told. */
class ImporterSpec :
    StringSpec({
        "every special shape comes back byte for byte" {
            SHAPES.entries.toList().forAll { (_, input) ->
                val log = tempdir().toPath()
                imported(log, input)
                exported(log).contentEquals(input) shouldBe true
            }
        }

        "any bytes come back byte for byte" {
            checkAll(300, MESS) { input ->
                val log = tempdir().toPath()
                imported(log, input)
                exported(log).contentEquals(input) shouldBe true
            }
        }

        "each line is one record, and says how it ends" {
            val log = tempdir().toPath()
            imported(log, "a\r\n\nb".toByteArray())
            records(log) shouldBe listOf("\na\r", "\n", ".b")
        }

        "a line longer than a piece is several records" {
            val log = tempdir().toPath()
            val full = "y".repeat(PIECE_BYTES)
            imported(log, ("x".repeat(PIECE_BYTES + 1) + "\n$full\n$full").toByteArray())
            records(log) shouldBe listOf("+" + "x".repeat(PIECE_BYTES), "\nx", "\n$full", ".$full")
        }

        "an input that comes in drops is cut into the same records" {
            val input = "a\r\n\nbc\n".toByteArray()
            val drops = object : InputStream() {
                private val bytes = input.inputStream()

                override fun read() = bytes.read()

                override fun read(target: ByteArray, offset: Int, length: Int) = bytes.read(target, offset, 1)
            }
            val pieces = PieceReader(drops)
            generateSequence { pieces.next()?.let { Charsets.UTF_8.decode(it).toString() } }.toList() shouldBe
                listOf("\na\r", "\n", "\nbc")
        }

        "a second import goes on behind the first, and says so" {
            val log = tempdir().toPath()
            imported(log, "a\nb".toByteArray())
            val second = importer("import", log, stdin = "c\n".byteInputStream())
            second.stderr shouldStartWith "the log has records 1 to 2: going on behind them\n"
            exported(log).decodeToString() shouldBe "a\nbc\n"
        }

        "files are read and written as standard input and output are" {
            val directory = tempdir().toPath()
            val input = directory.resolve("in").also { it.writeBytes(SHAPES.getValue("every byte")) }
            importer("import", directory.resolve("log"), input).exitCode shouldBe 0
            importer("export", directory.resolve("log"), directory.resolve("out")).exitCode shouldBe 0
            directory.resolve("out").readBytes().contentEquals(input.readBytes()) shouldBe true
        }

        "an interrupted import leaves a prefix, and the rest goes behind it" {
            val log = tempdir().toPath()
            val killed = tempdir().toPath().resolve("killed").createDirectory()
            val input = ByteArray(18 shl 20) { if (it % 50 == 49) '\n'.code.toByte() else it.toByte() }
            val stdin = object : ByteArrayInputStream(input) {
                /** Takes the files as a kill would leave them, a mebibyte behind the second sync. */
                override fun read(target: ByteArray, offset: Int, length: Int): Int {
                    if (pos == 17 shl 20) log.listDirectoryEntries().forEach { it.copyTo(killed.resolve(it.name)) }
                    return super.read(target, offset, length)
                }
            }
            importer("import", log, stdin = stdin).exitCode shouldBe 0
            val proven = importer("export", killed)
            proven.stderr shouldStartWith "the log was not closed"
            proven.stdout.size shouldBeInRange (8 shl 20)..(17 shl 20)

            imported(killed, ByteArray(0))
            val prefix = exported(killed)
            prefix.size shouldBeInRange (16 shl 20)..(17 shl 20)
            prefix.contentEquals(input.copyOf(prefix.size)) shouldBe true

            imported(killed, input.copyOfRange(prefix.size, input.size))
            exported(killed).contentEquals(input) shouldBe true
        }

        "mistakes in the call are told, with the usage, and end with 2" {
            listOf(
                emptyList<String>() to "expected a command",
                listOf("import") to "expected a command",
                listOf("import", "a", "b", "c") to "expected a command",
                listOf("move", "a") to "no such command: move",
                listOf("import", "\u0000") to "not a path: ",
            ).forAll { (args, what) ->
                val outcome = importer(*args.toTypedArray())
                outcome.exitCode shouldBe 2
                outcome.stderr shouldStartWith what
                outcome.stderr shouldEndWith "$USAGE\n"
            }
        }

        "what cannot be done is told, ends with 1, and creates nothing" {
            val directory = tempdir().toPath()
            val missing = directory.resolve("missing")
            importer("import", directory.resolve("log"), missing).exitCode shouldBe 1
            importer("export", missing).stderr shouldContain "NoSuchFileException"
            directory.listDirectoryEntries() shouldBe emptyList()
        }

        "an export without records says so, and creates no log" {
            val directory = tempdir().toPath()
            importer("export", directory).stderr shouldStartWith "no records in $directory\n"
            directory.listDirectoryEntries() shouldBe emptyList()
        }

        "an export overwrites no file" {
            val directory = tempdir().toPath()
            val out = directory.resolve("out").also { it.writeBytes("mine".toByteArray()) }
            imported(directory.resolve("log"), "a\n".toByteArray())
            importer("export", directory.resolve("log"), out).exitCode shouldBe 1
            out.readBytes().decodeToString() shouldBe "mine"
        }

        "a record of somebody else ends the export with an error" {
            listOf("", "hello", "\n" + "x".repeat(PIECE_BYTES + 1)).forAll { record ->
                val log = tempdir().toPath()
                Wal.open(log).use { it.append(record.toByteArray()) }
                val outcome = importer("export", log)
                outcome.exitCode shouldBe 1
                outcome.stderr shouldContain "record 1 is not from an import"
            }
        }

        "progress is told every 32 MiB, with the rate, and at the end" {
            val clock = TestTimeSource()
            val told = ByteArrayOutputStream()
            val progress = Progress("imported", PrintStream(told, true), clock)
            repeat(80) {
                clock += 1.seconds
                progress.add(1 shl 20)
            }
            progress.end()
            told.toString().lines() shouldBe listOf(
                "imported so far: 32 records, 32.0 MiB, 1 MiB/s",
                "imported so far: 64 records, 64.0 MiB, 1 MiB/s",
                "imported: 80 records, 80.0 MiB, 1 MiB/s",
                "",
            )
        }
    })
