package dev.kwal

import java.util.TreeMap

/** Of the records of a log, in order: LSN and contents. */
internal typealias Contents = List<String>

/**
 * A log of some form that was closed, what is in it, and everything that it was before.
 *
 * Always: [contents] is what the calls said, not what a reader found.
 */
internal class SweptLog(val name: String, life: SweptLife.() -> Unit) {
    private val lived = SweptLife(LogFixture()).also(life)

    val image: LogImage = lived.log.store.image()
    val contents: Contents = lived.contents()

    /** All that was in the log at some time. */
    val states: Set<Contents> = lived.states

    /** What the medium held before each sync and each deletion, oldest first. */
    val history: List<LogImage> = lived.history

    val newest: Long = image.keys.max()

    /** The whole frames of each segment, up to the first thing that is none. */
    val frames: Map<Long, List<Frame>> = image.store().let { store -> image.keys.associateWith { store.frames(it) } }

    /** The LSN before the first record of a segment. */
    fun lsnBefore(sequence: Long): Long = frames.getValue(sequence).first().lsn

    /** The same log as it went on otherwise from an earlier moment: the same names used for other segments. */
    fun forks(): List<Fork> = history.filterIndexed { at, _ -> at % FORKED_MOMENTS == 0 }.map { moment ->
        val life = SweptLife(LogFixture(moment.store()), "another life")
        check(life.log.wal.records().mapIndexed { at, text -> "${life.log.wal.firstLsn() + at} $text" } in states) {
            "$name: a state that it never had"
        }
        life.adopt()
        life.append(5)
        life.close()
        Fork(life.log.store.image(), life.states)
    }

    class Fork(val image: LogImage, val states: Set<Contents>)

    companion object {
        private const val FORKED_MOMENTS = 3

        /** Every form, one after the other: made when it is its turn. */
        val all: Sequence<() -> SweptLog> = sequenceOf(
            { SweptLog("one segment") { append(2).close() } },
            { SweptLog("sizes") { sizes(0..24).sizes(487..489).close() } },
            { SweptLog("batches") { batch(2).append(1).batch(3).sync().batch(2).close() } },
            { SweptLog("sealed segments") { append(9).close() } },
            { SweptLog("synced one by one") { repeat(6) { append(1).sync() }.also { close() } } },
            { SweptLog("rotated, nothing behind") { append(4).rotate().close() } },
            { SweptLog("checkpointed") { append(8).sync().checkpoint(4).append(1).checkpoint(6).close() } },
            { SweptLog("emptied") { append(5).sync().checkpoint(5).close() } },
            { SweptLog("truncated") { append(7).sync().truncateAfter(4).append(3).close() } },
            { SweptLog("resumed") { append(2).close().reopen().append(2).close().reopen().append(1).close() } },
            { SweptLog("recovered") { append(4).sync().append(2).kill().reopen().append(1).close() } },
            { SweptLog("recovered, torn") { append(3).sync().append(3).tear(9).reopen().append(1).close() } },
            { SweptLog("recovered, nothing behind") { append(3).sync().append(1).kill().reopen().close() } },
            { SweptLog("continued") { append(3).sync().idle().kill().reopen().append(2).close() } },
            { SweptLog("recycled") { append(5).sync().checkpoint(3).append(2).close().recycle() } },
        )
    }
}

/** The calls of a log's life, and what they leave in it. */
internal class SweptLife(val log: LogFixture, private val words: String = "record") {
    val states = linkedSetOf<Contents>(emptyList())
    val history = mutableListOf<LogImage>()
    private val texts = TreeMap<Long, String>()

    init {
        log.store.before = { call ->
            if (call.startsWith("sync") || call.startsWith("delete")) history += log.store.image()
        }
    }

    fun contents(): Contents = states.last()

    /** Takes over what the log holds when this life begins. */
    fun adopt() = apply {
        log.records().forEachIndexed { at, text -> texts[log.wal.firstLsn() + at] = text }
        note()
    }

    fun append(count: Int) = apply { repeat(count) { record((150 + next() * 37 % 200).toInt()) } }

    fun sizes(sizes: IntRange) = apply { sizes.forEach(::record) }

    private fun record(size: Int) {
        val record = text(next()).padEnd(size, '.').take(size)
        texts[next()] = record
        log.write(record)
        note()
    }

    fun batch(count: Int) = apply {
        val records = List(count) { text(next() + it) }
        records.forEachIndexed { at, text -> texts[next() + at] = text }
        log.writeBatch(*records.toTypedArray())
        note()
    }

    fun sync() = apply { log.sync() }

    fun rotate() = apply { log.rotate() }

    fun checkpoint(lsn: Long) = apply { log.checkpoint(lsn) }.also { note() }

    fun truncateAfter(lsn: Long) = apply { log.truncateAfter(lsn) }.also { note() }

    fun idle() = apply { log.tick().tick() }

    fun close() = apply { log.close() }

    fun kill() = apply { log.kill() }

    /** Loses the end of the last record in a crash. */
    fun tear(bytes: Int) = apply { log.kill().cut(bytes) }

    fun reopen() = apply { log.reopen() }.also { note() }

    /** Lets the bytes of another use of the file stand behind the end of each segment. */
    fun recycle() = apply {
        val other = LogFixture().writeLarge(3).close().store.bytes(1)
        log.sequences().forEach { log.edit(it) { bytes -> bytes + other.drop(bytes.size).take(256) } }
    }

    private fun next() = log.wal.lastLsn() + 1

    private fun text(lsn: Long) = "$words $lsn of epoch ${log.wal.epoch()} "

    private fun note() {
        val now = (log.wal.firstLsn()..log.wal.lastLsn()).map { "$it ${texts.getValue(it)}" }
        // The last one is what the log holds now.
        states.remove(now)
        states.add(now)
    }
}
