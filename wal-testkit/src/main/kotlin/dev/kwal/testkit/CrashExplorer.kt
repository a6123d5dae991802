package dev.kwal.testkit

import java.nio.file.Path
import java.util.function.Supplier

/**
 * Runs a [CrashScenario] over and over, with a crash before each call of its disk that changes something, and at its end.
 *
 * What each crash left is checked, and once more after the check itself was crashed at one of its calls. Always: the same
 * settings and the same calls give the same crashes. Immutable; each `with…` gives another.
 */
public class CrashExplorer private constructor(
    private val scenario: Supplier<out CrashScenario>,
    private val settings: Settings,
) {
    /** Explores the scenarios that this makes, a new one for each crash. */
    public constructor(scenario: Supplier<out CrashScenario>) : this(scenario, Settings())

    /** With this seed, 0 by default: it decides what each loss of power takes. */
    public fun withSeed(seed: Long): CrashExplorer = CrashExplorer(scenario, settings.copy(seed = seed))

    /** With so many different losses of power at each call, 3 by default. */
    public fun withImages(images: Int): CrashExplorer {
        require(images > 0) { "images is not positive: $images" }
        return CrashExplorer(scenario, settings.copy(images = images))
    }

    /** With crashes as strict as these alone; all of [Strictness] by default. */
    public fun withStrictness(vararg strictness: Strictness): CrashExplorer {
        require(strictness.isNotEmpty()) { "no strictness" }
        return CrashExplorer(scenario, settings.copy(strictness = strictness.toSet()))
    }

    /** With about so many checks at the most, 20,000 by default. Calls are left out evenly where there are more. */
    public fun withMaxChecks(maxChecks: Int): CrashExplorer {
        require(maxChecks > 0) { "maxChecks is not positive: $maxChecks" }
        return CrashExplorer(scenario, settings.copy(maxChecks = maxChecks))
    }

    /**
     * Explores every crash, or the one that the property `kwal.crash` names.
     *
     * @throws CrashFailure at the first one that broke the scenario
     */
    public fun explore(): CrashReport {
        val only = only()
        if (only != null) return check(only)
        val calls = calls()
        return calls.fold(CrashReport(0, 0)) { report, call -> report + crashBefore(call) }
    }

    /** The calls before which [explore] crashes; the last is one behind those of a run. The one that was named, if one was. */
    public fun calls(): List<Int> {
        only()?.let { return listOf(it.call) }
        val disk = SimulatedDisk(settings.seed)
        scenario.get().run(disk)
        val end = disk.count(DiskCall.MUTATIONS) + 1
        val checks = settings.strictness.sumOf { CHECKS * imagesOf(it) }
        val step = (end.toLong() * checks / settings.maxChecks).toInt() + 1
        return (end downTo 1 step step).sorted()
    }

    /** Explores the crashes before one of [calls]. */
    public fun crashBefore(call: Int): CrashReport {
        only()?.let { if (it.call == call) return check(it) }
        val stopped = Stopped(settings.seed, call)
        var checks = 0
        for (strictness in settings.strictness.sorted()) {
            for (image in 0 until imagesOf(strictness)) {
                checks += stopped.check(CrashPoint(settings.seed, call, strictness, image))
            }
        }
        return CrashReport(1, checks)
    }

    /**
     * Crashes as this point says, and checks; 100 times, because the background threads of a log do not always meet its
     * callers at the same calls.
     *
     * @throws CrashFailure at the first time that broke the scenario
     */
    public fun check(point: CrashPoint): CrashReport {
        repeat(ATTEMPTS) { Stopped(point.seed, point.call).checkOnly(point) }
        return CrashReport(1, ATTEMPTS)
    }

    private fun only(): CrashPoint? = System.getProperty(PROPERTY)?.let { CrashPoint.of(it) }

    private fun imagesOf(strictness: Strictness) = if (strictness == Strictness.PROCESS_KILL) 1 else settings.images

    /** A scenario whose machine stopped before a call. */
    private inner class Stopped(seed: Long, private val call: Int) {
        private val scenario = this@CrashExplorer.scenario.get()
        private val disk = SimulatedDisk(seed)
        private var where = "at the end of the run"

        init {
            disk.crash(call)
            disk.beforeCall = CallWatcher { made, path, _ -> name(made, path) }
            try {
                scenario.run(disk)
            } catch (e: Exception) {
                if (!disk.isStopped) throw AssertionError("the run failed without a crash: $e", e)
            }
            disk.beforeCall = null
        }

        private fun name(made: DiskCall, path: Path) {
            if (disk.count(DiskCall.MUTATIONS) == call && made in DiskCall.MUTATIONS) where = "before $made of $path"
        }

        /** Checks, and checks again after a crash inside the check. Says how many checks these were. */
        fun check(point: CrashPoint): Int {
            val survivors = left(point)
            checked(point) { scenario.check(survivors, point) }
            val calls = survivors.count(DiskCall.MUTATIONS)
            if (calls == 0) return 1
            val recoveryCall = 1 + Math.floorMod(mixed(seedOf(point)), calls)
            checkOnly(point.copy(recoveryCall = recoveryCall))
            return CHECKS
        }

        fun checkOnly(point: CrashPoint) {
            if (point.recoveryCall == 0) {
                checked(point) { scenario.check(left(point), point) }
                return
            }
            val first = left(point)
            first.crash(point.recoveryCall)
            try {
                scenario.check(first, point)
            } catch (e: Throwable) {
                if (!first.isStopped) throw CrashFailure(point, "$where, in the first check", e)
            }
            val second = first.image(mixed(seedOf(point) + point.recoveryCall), point.strictness)
            checked(point) { scenario.check(second, point) }
        }

        private fun left(point: CrashPoint) = disk.image(seedOf(point), point.strictness)

        private fun seedOf(point: CrashPoint): Long {
            val kind = point.image * Strictness.entries.size + point.strictness.ordinal
            return mixed(mixed(mixed(point.seed) + point.call) + kind)
        }

        private fun checked(point: CrashPoint, check: () -> Unit) {
            try {
                check()
            } catch (e: Throwable) {
                val again = ", and again before call ${point.recoveryCall} of a check"
                throw CrashFailure(point, if (point.recoveryCall > 0) where + again else where, e)
            }
        }
    }

    private data class Settings(
        val seed: Long = 0,
        val images: Int = 3,
        val strictness: Set<Strictness> = Strictness.entries.toSet(),
        val maxChecks: Int = 20_000,
    )

    public companion object {
        /** Names the property that makes [explore] explore one [CrashPoint] alone. */
        public const val PROPERTY: String = "kwal.crash"
        private const val ATTEMPTS = 100

        /** Each image is checked once as it is, and once after a crash in the check. */
        private const val CHECKS = 2
    }
}

/**
 * What was explored.
 *
 * @property calls before how many calls the machine stopped
 * @property checks how many times what was left was checked
 */
public class CrashReport internal constructor(public val calls: Int, public val checks: Int) {
    internal operator fun plus(other: CrashReport) = CrashReport(calls + other.calls, checks + other.checks)

    override fun toString(): String = "$checks checks after crashes at $calls calls"
}
