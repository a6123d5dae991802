package dev.kwal.testkit

/**
 * What a program does on a disk, and what must be true of it after a crash.
 *
 * Each crash has an instance of its own, which remembers what was acknowledged before the crash. The more alike the calls of
 * one [run] are to those of the next, the surer each call is met: use one thread, and no random without a fixed seed.
 */
public interface CrashScenario {
    /**
     * Uses the disk, and notes what was acknowledged, until it is done or the machine stops. From then on every call of the
     * disk throws; what this method throws then is of no interest. It should close what it opened all the same.
     */
    @Throws(Exception::class)
    public fun run(disk: SimulatedDisk)

    /**
     * Recovers what the crash left, and throws if anything is not as it was acknowledged. Called for several crashes that
     * stop [run] at the same call, so that it changes nothing of what was noted. May itself be stopped, like [run].
     *
     * @param crash says, above all, how much the crash took: what was written survives the end of the process, and only what
     *   was synced a loss of power
     */
    @Throws(Exception::class)
    public fun check(survivors: SimulatedDisk, crash: CrashPoint)
}

/**
 * One crash of a scenario. Its text is what the property `kwal.crash` takes.
 *
 * @property seed that of the disk
 * @property call before which call that changes something the machine stops, from 1 on; one behind the last is the end
 * @property strictness how much the crash takes
 * @property image which of the possible losses it is
 * @property recoveryCall before which such call of the check it stops again, for another check; 0 if it does not
 */
public data class CrashPoint @JvmOverloads constructor(
    public val seed: Long,
    public val call: Int,
    public val strictness: Strictness,
    public val image: Int = 0,
    public val recoveryCall: Int = 0,
) {
    override fun toString(): String = "$seed:$call:$strictness:$image:$recoveryCall"

    public companion object {
        /** The crash of such a text. */
        @JvmStatic
        public fun of(text: String): CrashPoint {
            val parts = text.split(':').iterator()
            return try {
                CrashPoint(
                    parts.next().toLong(),
                    parts.next().toInt(),
                    Strictness.valueOf(parts.next()),
                    parts.next().toInt(),
                    parts.next().toInt(),
                )
            } catch (e: NoSuchElementException) {
                throw IllegalArgumentException("not a crash point: $text", e)
            }
        }
    }
}

/** A crash from which a scenario did not come back as it should. The cause says what was wrong. */
public class CrashFailure internal constructor(
    /** The crash. */
    public val point: CrashPoint,
    where: String,
    cause: Throwable,
) : AssertionError(
    "broken by a crash at $point, $where: ${cause.message ?: cause}\n" +
        "this one alone: -D${CrashExplorer.PROPERTY}=$point",
    cause,
)
