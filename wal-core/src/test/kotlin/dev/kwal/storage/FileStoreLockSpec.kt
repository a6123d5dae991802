package dev.kwal.storage

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.File
import java.net.URLClassLoader
import java.nio.file.NotDirectoryException
import java.nio.file.Path
import kotlin.io.path.createDirectory
import kotlin.io.path.createSymbolicLinkPointingTo
import kotlin.io.path.exists
import kotlin.io.path.readText
import kotlin.io.path.writeText

/** Whose a directory is, and how it comes to be. */
class FileStoreLockSpec :
    StringSpec({
        fun directory(): Path = tempdir().toPath()

        "another path to the same directory meets the same lock" {
            val directory = directory().resolve("a").createDirectory()
            val link = directory.resolveSibling("link").createSymbolicLinkPointingTo(directory)
            FileStore.of(directory).lock().use {
                listOf(link, directory.resolve("..").resolve("a"), directory.resolve(".")).forEach {
                    shouldThrow<StoreLockedException> { FileStore.of(it).lock() }.message shouldBe
                        "$it: locked by this process"
                }
            }
            FileStore.of(link).lock().close()
        }

        "a refused lock leaves the owner's lock with the system" {
            val directory = directory()
            FileStore.of(directory).lock().use {
                repeat(3) { shouldThrow<StoreLockedException> { FileStore.of(directory).lock() } }
                LockingProcess(directory).use { other -> other.answer shouldContain "StoreLockedException" }
            }
        }

        "another copy of the library in this process meets the same lock and leaves it alone" {
            val directory = directory()
            OtherCopy(directory).use { other ->
                FileStore.of(directory).lock().use {
                    repeat(2) { other.answer() shouldContain "StoreLockedException" }
                    LockingProcess(directory).use { it.answer shouldContain "StoreLockedException" }
                }
                other.answer() shouldBe "locked"
                shouldThrow<StoreLockedException> { FileStore.of(directory).lock() }
                LockingProcess(directory).use { it.answer shouldContain "StoreLockedException" }
            }
        }

        "another process keeps us out and says who it is, until it is killed" {
            val directory = directory()
            LockingProcess(directory).use { other ->
                other.answer shouldBe "locked"
                repeat(2) {
                    val refusal = shouldThrow<StoreLockedException> { FileStore.of(directory).lock() }
                    refusal.message shouldContain "$directory"
                    refusal.message shouldContain "pid ${other.pid}"
                }
                other.kill()
                FileStore.of(directory).lock().use {
                    directory.resolve("LOCK").readText() shouldContain "pid ${ProcessHandle.current().pid()}"
                }
            }
        }

        "the existence of the lock's file means nothing" {
            val directory = directory()
            directory.resolve("LOCK").writeText("pid 1 on another host\n".repeat(100))
            FileStore.of(directory).lock().close()
            directory.resolve("LOCK").exists() shouldBe true
            directory.resolve("LOCK").readText().lines().size shouldBe 2
        }

        "a file in the place of the directory, or above it, is a clear failure" {
            val file = directory().resolve("file")
            file.writeText("content")
            shouldThrow<NotDirectoryException> { FileStore.of(file).lock() }
            shouldThrow<NotDirectoryException> { FileStore.of(file.resolve("below")).lock() }.file shouldBe "$file"
            shouldThrow<NotDirectoryException> { FileStore.of(file).segments() }
            file.readText() shouldBe "content"
        }

        "a store that was only made has touched nothing" {
            val directory = directory().resolve("a")
            FileStore.of(directory).withRecycling(1).withReserveBytes(1).withPreallocation(false).withOwnerOnly(false)
            directory.exists() shouldBe false
        }
    })

/** Another JVM that takes the lock of a directory and keeps it until its input ends. */
private class LockingProcess(directory: Path) : AutoCloseable {
    private val process = ProcessBuilder(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp",
        System.getProperty("java.class.path"),
        LockingProgram::class.java.name,
        "$directory",
    ).redirectError(ProcessBuilder.Redirect.INHERIT).start()

    val pid: Long = process.pid()

    /** "locked", or the name of the exception. */
    val answer: String = process.inputReader().readLine()

    fun kill() {
        process.destroyForcibly().waitFor()
    }

    override fun close() = kill()
}

/** The library, loaded a second time. */
private class OtherCopy(private val directory: Path) : AutoCloseable {
    private val loader = URLClassLoader(
        System.getProperty("java.class.path").split(File.pathSeparator).map { File(it).toURI().toURL() }.toTypedArray(),
        ClassLoader.getPlatformClassLoader(),
    )

    fun answer(): String {
        val type = loader.loadClass(FileStore::class.java.name)
        val store = type.getMethod("of", Path::class.java).invoke(null, directory)
        return runCatching { type.getMethod("lock").invoke(store) }.fold({ "locked" }, { "${it.cause}" })
    }

    override fun close() = loader.close()
}

private object LockingProgram {
    @JvmStatic
    fun main(arguments: Array<String>) {
        println(runCatching { FileStore.of(Path.of(arguments[0])).lock() }.fold({ "locked" }, { "${it::class}" }))
        System.`in`.read()
    }
}
