package dev.kwal.samples.importer

import dev.kwal.Wal
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.byte
import io.kotest.property.arbitrary.byteArray
import io.kotest.property.arbitrary.choice
import io.kotest.property.arbitrary.constant
import io.kotest.property.arbitrary.int
import io.kotest.property.arbitrary.list
import io.kotest.property.arbitrary.map
import java.io.ByteArrayOutputStream
import java.io.InputStream
import java.io.PrintStream
import java.nio.file.Path

/** What one run of the importer gave. */
internal class Outcome(val exitCode: Int, val stdout: ByteArray, val stderr: String)

/** Runs the importer in this process, as a shell would. */
internal fun importer(vararg args: Any, stdin: InputStream = InputStream.nullInputStream()): Outcome {
    val stdout = ByteArrayOutputStream()
    val stderr = ByteArrayOutputStream()
    val exitCode = Importer(stdin, stdout, PrintStream(stderr, true)).run(args.map { it.toString() })
    return Outcome(exitCode, stdout.toByteArray(), stderr.toString())
}

internal fun imported(log: Path, input: ByteArray) {
    importer("import", log, stdin = input.inputStream()).exitCode shouldBe 0
}

internal fun exported(log: Path): ByteArray = importer("export", log).also { it.exitCode shouldBe 0 }.stdout

internal fun records(log: Path): List<String> = Wal.openReadOnly(log).use { reader ->
    reader.replay(0).use { cursor -> generateSequence { if (cursor.next()) cursor.record() else null }.toList() }
        .map { it.toByteArray().decodeToString() }
}

/** What breaks importers. */
internal val SHAPES: Map<String, ByteArray> = mapOf(
    "nothing" to "",
    "one line" to "a\n",
    "no last line feed" to "a\nb",
    "empty lines only" to "\n\n\n",
    "Windows" to "a\r\n\r\nb\r\n",
    "carriage returns only" to "\r\r",
    "what marks endings" to "+\n.\n\n+.",
    "NUL" to "\u0000\n\u0000",
    "a piece" to "x".repeat(PIECE_BYTES),
    "a piece and its line feed" to "x".repeat(PIECE_BYTES) + "\n",
    "a piece and a byte" to "x".repeat(PIECE_BYTES + 1),
    "many pieces" to "x".repeat(5 * PIECE_BYTES) + "\n\n" + "y".repeat(2 * PIECE_BYTES - 1) + "\n",
).mapValues { it.value.toByteArray() } + mapOf(
    "every byte" to ByteArray(1024) { it.toByte() },
    "not UTF-8" to byteArrayOf(-1, -2, 10, -64, -128, 10, -19, -96),
)

/** Short and long runs of any bytes, and line feeds between them. */
internal val MESS: Arb<ByteArray> = Arb.list(
    Arb.choice(
        Arb.byteArray(Arb.int(0..40), Arb.byte()),
        Arb.constant("\n".toByteArray()),
        Arb.constant("\r\n".toByteArray()),
        Arb.int(PIECE_BYTES - 2..PIECE_BYTES + 2).map { ByteArray(it) { 'x'.code.toByte() } },
    ),
    0..12,
).map { parts -> parts.fold(ByteArray(0)) { all, part -> all + part } }
