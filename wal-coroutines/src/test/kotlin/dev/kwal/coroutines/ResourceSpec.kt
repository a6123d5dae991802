package dev.kwal.coroutines

import dev.kwal.resources.Resources
import dev.kwal.storage.FileStore
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import dev.kwal.storage.StoreLockedException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveAtMostSize
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList

private const val OPENS = 2_000

/** Threads of the last few logs, which are about to end. */
private const val ENDING_THREADS = 100

/** What a log takes it gives back, however it ends. */
class ResourceSpec :
    StringSpec({
        "$OPENS opens and closes leave no threads behind" {
            val store = MemoryStore(StoreCapabilities.DURABLE)
            repeat(OPENS) {
                SuspendingWal.open(store, TINY_BUFFER).use { log ->
                    val lsn = log.appendAndSync("a".toByteArray())
                    log.checkpoint(lsn)
                }
                if (it % 100 == 0) Resources.logThreads() shouldHaveAtMostSize ENDING_THREADS
            }
        }

        "opening in vain and flows that are left early leave no file open" {
            val directory = tempdir().toPath()
            SuspendingWal.open(FileStore.of(directory), TINY_BUFFER).use { log ->
                repeat(10) { log.append("$it".toByteArray()) }
                log.sync()
                val files = Resources.filesIn(directory)
                repeat(100) {
                    shouldThrow<StoreLockedException> { SuspendingWal.open(directory) }
                    log.replay().first().lsn() shouldBe 1
                    log.follow(3).take(5).toList().size shouldBe 5
                    log.replay().toList().size shouldBe 10
                }
                Resources.filesIn(directory) shouldBe files
            }
            Resources.filesIn(directory).shouldBeEmpty()
        }
    })
