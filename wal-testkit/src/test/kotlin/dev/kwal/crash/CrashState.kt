package dev.kwal.crash

import dev.kwal.testkit.SimulatedDisk

/**
 * What is left of a log by a crash, and what must come back from it.
 *
 * @param survivors what the crash took
 * @param where seed, step, operation and image, for the message
 * @param choice decides on the checks that not every state undergoes, and on what they lose
 */
internal class CrashState(
    val disk: SimulatedDisk,
    val shape: Shape,
    val survivors: Loss,
    val expectation: Expectation,
    val where: String,
    val choice: Long,
)

/** The finisher of splitmix64, to draw one seed from another. */
internal fun mixed(seed: Long, salt: Long): Long {
    var bits = seed + salt * -0x61c8864680b583ebL
    bits = (bits xor (bits ushr 30)) * -0x40a7b892e31b1a47L
    bits = (bits xor (bits ushr 27)) * -0x6b2fb644ecceee15L
    return bits xor (bits ushr 31)
}
