package dev.kwal.storage

import dev.kwal.storage.contract.Medium
import dev.kwal.storage.contract.StoreContract
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.createDirectory
import kotlin.io.path.deleteRecursively
import kotlin.io.path.exists
import kotlin.io.path.readText
import kotlin.io.path.writeText

/** The contract on the real disk. */
class FileStoreSpec : StoreContract({ TemporaryDirectory { FileStore.of(it) } })

class RecyclingFileStoreSpec : StoreContract({ TemporaryDirectory { FileStore.of(it).withRecycling(2) } })

class UnpreparedFileStoreSpec :
    StoreContract({ TemporaryDirectory { FileStore.of(it).withPreallocation(false).withReserveBytes(0) } })

class MemoryStoreContractSpec :
    StoreContract({
        val store = MemoryStore(StoreCapabilities.DURABLE)
        object : Medium {
            override fun store() = store
        }
    })

private class TemporaryDirectory(private val storeIn: (Path) -> WalStore) : Medium {
    private val root = Files.createTempDirectory("kwal-store")
    private val directory = root.resolve("a").resolve("b")
    private val foreign = listOf("1.wal", "pool-1.free", "00000000000000000001.wal.bak", "README", ".wal")

    override fun store() = storeIn(directory)

    override fun addForeignThings() {
        Files.createDirectories(directory)
        foreign.forEach { directory.resolve(it).writeText(it) }
        directory.resolve("0000000000000000000x.wal").createDirectory()
    }

    override fun hasForeignThings() =
        foreign.all { directory.resolve(it).readText() == it } && directory.resolve("0000000000000000000x.wal").exists()

    @OptIn(ExperimentalPathApi::class)
    override fun close() {
        root.deleteRecursively()
    }
}
