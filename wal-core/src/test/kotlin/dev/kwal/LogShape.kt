package dev.kwal

import java.time.Instant

/**
 * A small log of some form, as the code writes it today, but with the random numbers of [normalized]: the same bytes each
 * time.
 */
internal class LogShape(
    val name: String,
    private val edit: (LogImage) -> LogImage = { it },
    private val life: LogFixture.() -> LogFixture,
) {
    /** What the medium held before each sync and each deletion, and what it holds in the end. */
    private val images: List<LogImage> by lazy {
        val log = LogFixture()
        val seen = mutableListOf<LogImage>()
        log.store.before = { call ->
            if (call.startsWith("sync") || call.startsWith("delete")) seen += log.store.image().normalized()
        }
        log.life()
        seen + log.store.image().normalized()
    }

    val image: LogImage by lazy { edit(images.last()) }

    /** Earlier states of the same log, oldest first. */
    val history: List<LogImage> get() = images.dropLast(1)

    override fun toString() = name

    companion object {
        val all: List<LogShape> = listOf(
            LogShape("one") { append(1).close() },
            LogShape("sizes") {
                for (size in 0..40) write("x".repeat(size))
                for (size in listOf(487, 488, 489, 4072)) write("y".repeat(size))
                close()
            },
            LogShape("batches") {
                append(1).sync().writeBatch("debit", "credit").sync()
                writeBatch("one", "two", "three").append(1).writeBatch("four", "five").close()
            },
            LogShape("tagged") {
                append(1).wal.tagged(7).append("order".toBuffer())
                reopen { it.withClock { Instant.ofEpochMilli(1_700_000_000_123) } }.append(1)
                val batch = listOf("debit", "credit", "").map { it.toBuffer() }
                wal.tagged(1).appendBatch(batch, intArrayOf(1, 0, Int.MAX_VALUE), Durability.WRITTEN)
                kill().reopen().append(2).rotate().close()
            },
            LogShape("sealed") { append(9).close() },
            LogShape("rotated") { append(2).rotate().close() },
            LogShape("checkpointed") { append(8).sync().checkpoint(4).append(1).checkpoint(6).close() },
            LogShape("emptied") { append(5).sync().checkpoint(5).close() },
            LogShape("emptied-after-rotation") { append(4).rotate().checkpoint(4).close() },
            LogShape("truncated") { append(7).sync().truncateAfter(4).append(2).close() },
            LogShape("resumed") { append(2).close().reopen().append(2).close().reopen().append(1).close() },
            LogShape("unclosed") { append(3).sync().append(2).sync() },
            LogShape("unclosed-prepared", { it.withLast { tail -> tail + ByteArray(400) } + (3L to header(3)) }) {
                append(5).sync()
            },
            LogShape("dropped") { append(6).sync().checkpoint(5).append(1) },
            LogShape("idle") { append(3).sync().tick().tick() },
            LogShape("recovered") { append(4).sync().append(2).kill().reopen() },
            LogShape("recovered-whole") { append(2).kill().reopen().append(1).sync() },
            LogShape("continued") { append(3).sync().tick().tick().kill().reopen().append(2).sync() },
            LogShape("torn", { it.withLast { tail -> tail.copyOf(tail.size - 9) } }) { append(4).sync().append(2) },
            LogShape("torn-batch", { it.withLast { tail -> tail.copyOf(tail.size - 32) + ByteArray(64) } }) {
                append(1).sync().writeBatch("debit", "credit")
            },
            LogShape("torn-group", { it.withLast { tail -> tail.also { bytes -> bytes[680] = 1 } } }) {
                append(2).sync().buffer("five", "six", "seven").buffer("eight").write("nine")
            },
            LogShape("recycled", { it.withLast { tail -> tail + otherLife.getValue(1).drop(tail.size).take(1024) } }) {
                append(5).sync()
            },
            LogShape("damaged", { it.withLast { tail -> tail.also { bytes -> bytes[200] = 1 } } }) {
                append(4).sync().append(1).sync()
            },
        )
    }
}

/** Appends records that tell their LSN and epoch; two to four fill a small segment. */
private fun LogFixture.append(count: Int) = apply {
    repeat(count) {
        val lsn = wal.lastLsn() + 1
        write("record $lsn of epoch ${wal.epoch()} ".padEnd((150 + lsn * 37 % 200).toInt(), '.'))
    }
}

private val otherLife: LogImage get() = LogFixture().append(9).sync().store.image().normalized(life = 3)

private fun header(sequence: Long): ByteArray =
    mapOf(sequence to Format.encodeHeader(SegmentHeader.ofNewLog(sequence)).array()).normalized().getValue(sequence)
