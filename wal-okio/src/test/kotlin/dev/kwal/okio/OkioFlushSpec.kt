package dev.kwal.okio

import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import okio.FileHandle
import okio.ForwardingFileSystem
import okio.Path
import okio.Path.Companion.toPath
import java.nio.ByteBuffer

/** What is flushed, and in which order; whether a flush reaches the medium is up to the file system. */
class OkioFlushSpec :
    StringSpec({
        "a segment is flushed before it has its name, its directory afterwards, and its bytes by a sync" {
            val calls = ArrayList<String>()
            val ground = WatchedGround(calls)
            val store = OkioStore(ground, ground.directory)
            store.lock().use {
                store.create(1, ByteBuffer.allocate(64), 0).use { writer ->
                    calls += "created"
                    writer.append(ByteBuffer.allocate(8))
                    writer.sync()
                }
            }
            calls shouldBe listOf("flush the header", "move", "flush the directory", "created", "flush the segment")
        }

        "going on with a segment, a sync flushes it, too" {
            val calls = ArrayList<String>()
            val ground = WatchedGround(calls)
            val store = OkioStore(ground, ground.directory)
            store.lock().use {
                store.create(1, ByteBuffer.allocate(64), 0).close()
                calls.clear()
                store.resume(1, 64, 0).use { it.sync() }
            }
            calls shouldBe listOf("flush the segment")
        }
    })

private class WatchedGround(
    private val calls: MutableList<String>,
    val directory: Path = "/wal".toPath(),
    private val medium: FaultyFileSystem = FaultyFileSystem(),
) : Ground by Ground.of(medium, directory) {
    override val fileSystem = object : ForwardingFileSystem(medium) {
        override fun atomicMove(source: Path, target: Path) {
            calls += "move"
            super.atomicMove(source, target)
        }
    }

    init {
        medium.onFlush = { calls += "flush the header" }
    }

    override fun syncDirectory() {
        calls += "flush the directory"
    }

    override fun flush(file: Path, handle: FileHandle) = object : Flush {
        override fun run() {
            calls += "flush the segment"
        }

        override fun close() = Unit
    }
}
