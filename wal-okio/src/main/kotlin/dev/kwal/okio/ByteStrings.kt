package dev.kwal.okio

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalRecord
import okio.ByteString
import okio.ByteString.Companion.toByteString

/** Like [Wal.append] of a buffer, at the default level of the log's options. */
public fun Wal.append(record: ByteString): Long = append(record.asByteBuffer())

/** Like [Wal.append] of a buffer. */
public fun Wal.append(record: ByteString, level: Durability): Long = append(record.asByteBuffer(), level)

/** Like [Wal.appendAndSync] of a buffer. */
public fun Wal.appendAndSync(record: ByteString): Long = appendAndSync(record.asByteBuffer())

/** The bytes of this record. */
public fun WalRecord.toByteString(): ByteString = toByteBuffer().toByteString()
