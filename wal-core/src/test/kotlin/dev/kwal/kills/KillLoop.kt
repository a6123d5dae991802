package dev.kwal.kills

import dev.kwal.ForkedJvm
import java.nio.file.Files
import java.util.Locale
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.random.Random
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * Kills one process after the other, all on the log in one directory, and holds what each finds against what those before
 * it were promised. When a promise is broken it says where, and keeps the directory.
 *
 * The properties `kills.seed`, `kills.rounds` and `kills.seconds` say which, how many, and for how long instead.
 *
 * @param mainClass of a process that lives as [DoomedProcess] does
 */
class KillLoop(private val mainClass: Class<*>) {
    private val seed = System.getProperty("kills.seed")?.toLong() ?: Random.nextInt().toLong()
    private val directory = Files.createTempDirectory("kwal-kills")
    private val ledger = Ledger()
    private var killed = 0

    fun run(defaultRounds: Int) {
        val seconds = System.getProperty("kills.seconds")?.toInt()
        val rounds = System.getProperty("kills.rounds")?.toInt() ?: defaultRounds
        val begin = TimeSource.Monotonic.markNow()
        var round = 0
        while (if (seconds == null) round < rounds else begin.elapsedNow() < seconds.seconds) {
            val plan = Plan(seed, ++round)
            try {
                live(plan)
            } catch (broken: Throwable) {
                val where = "-Dkills.seed=$seed, round $round ($plan), log kept in $directory"
                throw AssertionError("$where: ${broken.message}", broken)
            }
        }
        directory.toFile().deleteRecursively()
        val counts = "%,d processes, %,d killed, %,d acknowledgements".format(
            Locale.ROOT,
            round,
            killed,
            ledger.acknowledgements,
        )
        println("${mainClass.simpleName}: $counts, in ${begin.elapsedNow().inWholeSeconds} s, -Dkills.seed=$seed")
    }

    /** One life, up to the end that is planned for it. */
    private fun live(plan: Plan) {
        val arguments = listOf(directory.resolve("log").toString(), "$seed", "${plan.round}")
        ForkedJvm(mainClass.name, VM_OPTIONS, arguments).use { process ->
            val isOver = AtomicBoolean()
            val patience = CompletableFuture.delayedExecutor(PATIENCE_SECONDS, TimeUnit.SECONDS)
            patience.execute { if (!isOver.get()) process.close() }
            val enough = ledger.acknowledgements + plan.acknowledgements
            var last = ""
            while (last != "stopped" && (plan.stop?.phase == Phase.CLOSING || ledger.acknowledgements < enough)) {
                last = process.output.readLine() ?: break
                ledger.hear(last)
            }
            if (ledger.isClosed) {
                check(process.waitFor() == 0) { "the process failed after it had closed the log" }
            } else {
                process.kill().filter { it.isNotEmpty() }.forEach(ledger::hear)
                check(process.waitFor() == KILLED) { "the process ended by itself, after it had said: $last" }
                killed++
            }
            isOver.set(true)
        }
    }

    private companion object {
        /** For starting fast; the process does not live long. */
        val VM_OPTIONS = listOf("-Xmx64m", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

        /** 128 and SIGKILL. */
        const val KILLED = 137

        /** How long a process that hangs is waited for. */
        const val PATIENCE_SECONDS = 60L
    }
}
