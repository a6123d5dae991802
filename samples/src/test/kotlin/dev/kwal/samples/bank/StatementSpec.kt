package dev.kwal.samples.bank

import dev.kwal.WalOptions
import dev.kwal.storage.MemoryStore
import dev.kwal.storage.StoreCapabilities
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import java.time.Instant

private const val ANNA = 1
private const val BORIS = 2
private val START = Instant.parse("2026-11-30T12:00:00Z")

/** Statements of accounts, by tag and time. */
class StatementSpec :
    StringSpec({
        "a statement has the changes of one account since a moment, newest first, over restarts" {
            val medium = MemoryStore(StoreCapabilities.DURABLE)
            var now = START
            val dated = WalOptions.DEFAULT.withClock { now }
            Accounts.open(medium, dated).use { accounts ->
                accounts.deposit(ANNA, 100)
                now = START.plusSeconds(60)
                accounts.transfer(ANNA, BORIS, 30)
            }
            now = START.plusSeconds(120)
            Accounts.open(medium, dated).use { accounts ->
                accounts.transfer(BORIS, ANNA, 5)
                accounts.statement(ANNA, START) shouldBe
                    listOf("2026-11-30T12:02:00Z 75", "2026-11-30T12:01:00Z 70", "2026-11-30T12:00:00Z 100")
                accounts.statement(ANNA, START.plusSeconds(61)) shouldBe listOf("2026-11-30T12:02:00Z 75")
                accounts.statement(BORIS, START) shouldBe listOf("2026-11-30T12:02:00Z 25", "2026-11-30T12:01:00Z 30")
                accounts.statement(BORIS, START.plusSeconds(121)) shouldBe emptyList()
                accounts.balances() shouldBe mapOf(ANNA to 75L, BORIS to 25L)
            }
        }

        "accounts in a directory are dated" {
            Accounts.open(tempdir().toPath()).use { accounts ->
                accounts.deposit(ANNA, 1)
                accounts.statement(ANNA, Instant.EPOCH) shouldHaveSize 1
            }
        }

        "an account that is no tag is refused, and changes nothing" {
            Accounts.open(MemoryStore(StoreCapabilities.DURABLE), WalOptions.DEFAULT).use { accounts ->
                accounts.deposit(ANNA, 100)
                shouldThrow<IllegalArgumentException> { accounts.deposit(0, 1) }
                shouldThrow<IllegalArgumentException> { accounts.transfer(ANNA, 0, 1) }
                accounts.balances() shouldBe mapOf(ANNA to 100L)
            }
        }
    })
