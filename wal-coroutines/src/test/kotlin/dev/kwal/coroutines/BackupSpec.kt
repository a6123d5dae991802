package dev.kwal.coroutines

import dev.kwal.Durability
import dev.kwal.Wal
import dev.kwal.WalClosedException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.toList
import java.nio.file.Files
import kotlin.io.path.exists

/** That a backup is made by suspending calls, by the owner and beside it. */
class BackupSpec :
    StringSpec({
        "the owner's backup has what was only buffered, and one beside the owner what was durable" {
            val directory = Files.createTempDirectory("kwal")
            try {
                val log = SuspendingWal.open(directory.resolve("log"))
                log.appendAndSync("a".toByteArray())
                log.append("b".toByteArray(), Durability.BUFFERED)
                log.backup(directory.resolve("first")).lastLsn() shouldBe 2
                SuspendingWal.openReadOnly(directory.resolve("log")).use {
                    it.backup(directory.resolve("second")).firstLsn() shouldBe 1
                }
                log.close()
                shouldThrow<WalClosedException> { log.backup(directory.resolve("third")) }
                directory.resolve("third").exists() shouldBe false
                SuspendingWal.open(directory.resolve("first")).use { copy ->
                    copy.replay().map { it.toByteArray().decodeToString() }.toList() shouldBe listOf("a", "b")
                    copy.logId shouldBe log.logId
                }
                Wal.openReadOnly(directory.resolve("second")).use { it.lastLsn() >= 1 } shouldBe true
            } finally {
                directory.toFile().deleteRecursively()
            }
        }
    })
