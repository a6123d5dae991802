package dev.kwal.okio

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalRecord
import okio.ByteString
import okio.ByteString.Companion.toByteString

/**
 * Appends a byte string at the default level of the log's options.
 *
 * @return its LSN
 * @throws java.io.IOException as [Wal.append] of a buffer does
 */
public fun Wal.append(record: ByteString): Long = append(record.asByteBuffer())

/**
 * Appends a byte string and waits until it has reached [level].
 *
 * @return its LSN
 * @throws java.io.IOException as [Wal.append] of a buffer does
 */
public fun Wal.append(record: ByteString, level: Durability): Long = append(record.asByteBuffer(), level)

/**
 * Appends a byte string and syncs: it survives a loss of power on return.
 *
 * @return its LSN
 * @throws java.io.IOException as [Wal.append] of a buffer does
 */
public fun Wal.appendAndSync(record: ByteString): Long = appendAndSync(record.asByteBuffer())

/** A copy of the bytes of this record. */
public fun WalRecord.toByteString(): ByteString = toByteBuffer().toByteString()
