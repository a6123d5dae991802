package dev.kwal

import io.kotest.core.spec.style.StringSpec
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions
import org.jetbrains.lincheck.datastructures.forClasses
import org.jetbrains.lincheck.datastructures.scenario
import java.util.zip.CRC32C
import kotlin.reflect.KFunction
import kotlin.time.Duration.Companion.days

/**
 * The write path under the interleavings of a few operations: they look like one after the other, nobody waits for ever,
 * and nothing is told early. `-Dmodel.iterations` adds random scenarios, `-Dmodel.invocations` tries more of each.
 */
class ModelCheckingSpec :
    StringSpec({
        "two who sync: one leads, or one leads after the other" {
            explore(listOf(APPEND, SYNC), listOf(APPEND, SYNC))
        }

        "three who sync: whoever waits is woken, and not only the next to lead" {
            explore(listOf(SYNC), listOf(SYNC), listOf(SYNC), before = APPEND)
        }

        "those who let somebody else sync are woken, and do not take the lead" {
            explore(listOf(SYNC), listOf(SYNC_BY_DRIVER), listOf(SYNC_BY_DRIVER), before = APPEND)
        }

        "those who let somebody else sync hear that a flush failed" {
            explore(listOf(APPEND, SYNC_BY_DRIVER), listOf(BREAK_DISK, SYNC))
        }

        "a record that is appended during a flush is left to the next one" {
            explore(listOf(APPEND, SYNC, LOOK), listOf(APPEND, LOOK, SYNC))
        }

        "whoever writes does not get in the way of whoever syncs" {
            explore(listOf(APPEND, SYNC), listOf(APPEND, WRITE))
        }

        "a batch is written whole or not at all" {
            explore(listOf(APPEND_BATCH, APPEND), listOf(APPEND, WRITE))
        }

        "everybody who waits hears that a flush failed" {
            explore(listOf(APPEND, SYNC), listOf(BREAK_DISK, SYNC), listOf(APPEND_ASYNC, SYNC))
        }

        "what needs the path for itself gets it, and gives it back" {
            explore(listOf(APPEND, EXCLUSIVELY), listOf(APPEND, SYNC))
        }

        "of those who expect the same LSN one gets it, and the others hear which is next" {
            explore(listOf(APPEND_SECOND, APPEND), listOf(APPEND_SECOND, APPEND_SECOND), before = APPEND)
            explore(listOf(APPEND, APPEND_SECOND), listOf(APPEND_SECOND), listOf(APPEND_BATCH))
        }

        "a newer writer shuts out the older one before it has its handle" {
            explore(listOf(APPEND_AS_FIRST, APPEND_AS_FIRST), listOf(BEGIN_SECOND, APPEND), before = APPEND)
            explore(listOf(APPEND_AS_FIRST, SYNC), listOf(BEGIN_SECOND, APPEND_AS_FIRST))
        }

        "closing keeps appends out, and lets in who wants to hear of theirs" {
            explore(listOf(APPEND, SYNC), listOf(CLOSE, SYNC), listOf(APPEND_ASYNC))
        }

        "random scenarios".config(enabled = ITERATIONS > 0, timeout = 365.days) {
            options().iterations(ITERATIONS).threads(3).actorsPerThread(2).check(ModelledPath::class)
        }
    })

private val APPEND = ModelledPath::append
private val APPEND_BATCH = ModelledPath::appendBatch
private val APPEND_ASYNC = ModelledPath::appendAsync
private val APPEND_SECOND = ModelledPath::appendSecond
private val APPEND_AS_FIRST = ModelledPath::appendAsFirst
private val BEGIN_SECOND = ModelledPath::beginSecond
private val SYNC = ModelledPath::sync
private val SYNC_BY_DRIVER = ModelledPath::syncByDriver
private val WRITE = ModelledPath::write
private val LOOK = ModelledPath::look
private val EXCLUSIVELY = ModelledPath::exclusively
private val BREAK_DISK = ModelledPath::breakDisk
private val CLOSE = ModelledPath::close

private val ITERATIONS = Integer.getInteger("model.iterations", 0)
private val INVOCATIONS = Integer.getInteger("model.invocations", 300)

/**
 * A checksum is computed by one thread over memory of its own. The checker takes an interleaving that is not over in ten
 * seconds for one that hangs, which on a busy machine is not so; the limit is no part of its public API.
 */
private fun options() = ModelCheckingOptions()
    .invocationsPerIteration(INVOCATIONS)
    .minimizeFailedScenario(false)
    .addGuarantee(forClasses(CRC32C::class.java.name).allMethods().ignore())
    .also {
        it.javaClass.getMethod("invocationTimeout\$lincheck", Long::class.java).invoke(it, PATIENCE_SECONDS * 1000)
    }

private fun explore(vararg threads: List<KFunction<*>>, before: KFunction<*>? = null) = options()
    .iterations(0)
    .addCustomScenario(
        scenario {
            before?.let { initial { actor(it) } }
            parallel { threads.forEach { operations -> thread { operations.forEach { actor(it) } } } }
        },
    ).check(ModelledPath::class)
