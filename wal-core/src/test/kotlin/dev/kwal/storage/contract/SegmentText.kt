package dev.kwal.storage.contract

import dev.kwal.storage.SegmentReader
import dev.kwal.storage.WalStore
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import kotlin.concurrent.thread

internal fun bytes(text: String): ByteBuffer = ByteBuffer.wrap(text.toByteArray())

internal fun ByteBuffer.asText(): String = Charsets.UTF_8.decode(duplicate()).toString()

/** A synced and closed segment of these bytes, the first of which is its header. */
internal fun WalStore.make(sequence: Long, text: String) {
    create(sequence, bytes(text.take(1)), text.length.toLong()).use {
        it.append(bytes(text.drop(1)))
        it.sync()
    }
}

internal fun WalStore.text(sequence: Long): String = open(sequence).use { it.text(0, it.size().toInt()) }

internal fun SegmentReader.text(position: Long, length: Int): String {
    val target = ByteBuffer.allocate(length)
    read(position, target) shouldBeLessThanOrEqual length
    return target.flip().asText()
}

/** A thread whose failure is that of its [CompletableFuture.join]. */
internal fun inThread(work: () -> Unit): CompletableFuture<Unit> {
    val result = CompletableFuture<Unit>()
    thread(isDaemon = true) {
        runCatching(work).onSuccess { result.complete(it) }.onFailure { result.completeExceptionally(it) }
    }
    return result
}
