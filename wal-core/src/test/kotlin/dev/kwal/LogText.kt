package dev.kwal

import java.security.MessageDigest
import java.util.HexFormat

/** A line for each record, as the script prints it. */
internal fun WalReader.lines(): List<String> = replay(0).use { cursor ->
    buildList {
        while (cursor.next()) {
            val bytes = cursor.record().toByteArray()
            val shown = if (bytes.size <= 16) HexFormat.of().formatHex(bytes) else "sha256 ${digest(bytes)}"
            val tag = if (cursor.tag() == WalRecord.NO_TAG) "" else "tag ${cursor.tag()}"
            val time = if (cursor.timestampMillis() == WalRecord.NO_TIME) "" else "at ${cursor.timestampMillis()}"
            add(
                listOf("${cursor.lsn()}", "${bytes.size}", shown, tag, time).filter {
                    it.isNotEmpty()
                }.joinToString(" "),
            )
        }
    }
}

private fun digest(bytes: ByteArray): String =
    HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)).take(16)

/** How the log ends, as the script prints it. */
internal fun WalReader.end(): String {
    val kind = when (recovery().end()) {
        RecoveryReport.End.CLEAN -> "closed"
        RecoveryReport.End.UNCLOSED -> "whole"
        RecoveryReport.End.TORN -> "torn"
        RecoveryReport.End.NEW -> "new"
    }
    val tail = segments().last()
    return "ends $kind at segment ${tail.sequence()} byte ${tail.bytes()}, " +
        "durable through ${durableLsn()}, first live LSN ${firstLsn()}, epoch ${epoch()}"
}

internal fun WalCorruptedException.text(): String = "damaged segment ${segment()} byte ${position()}"
