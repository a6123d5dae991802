package dev.kwal

import dev.kwal.testkit.DiskCall
import dev.kwal.testkit.DiskFailure
import dev.kwal.testkit.SimulatedDisk
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.FileSystemException

/** A log in a directory that the system keeps from it. */
class FaultyDirectorySpec :
    StringSpec({
        "a directory that cannot be written is a clear error" {
            val disk = SimulatedDisk()
            disk.fail(1, setOf(DiskCall.LOCK), failure = DiskFailure.ACCESS_DENIED)
            shouldThrow<FileSystemException> { LogFixture(disk.store()) }.message shouldContain
                "${SimulatedDisk.DIRECTORY}"
        }

        "a directory in which nothing can be created opens, and appends tell why they fail" {
            val disk = SimulatedDisk()
            val log = LogFixture(disk.store())
            disk.fail(
                1,
                setOf(DiskCall.CREATE),
                times = Int.MAX_VALUE,
                failure = DiskFailure.ACCESS_DENIED,
            )
            shouldThrow<WalNoSpaceException> { log.write("a") }.message shouldContain "AccessDenied"
            disk.heal()
            log.write("a").sync().records() shouldBe listOf("a")
        }
    })
