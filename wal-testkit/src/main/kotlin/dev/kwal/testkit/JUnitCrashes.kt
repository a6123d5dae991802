@file:JvmName("JUnitCrashes")

package dev.kwal.testkit

import org.junit.jupiter.api.DynamicTest
import java.util.stream.Stream

/** A test for JUnit's `@TestFactory` for each call before which the explorer crashes. */
public fun everyCrash(explorer: CrashExplorer): Stream<DynamicTest> = explorer.calls().stream().map { call ->
    DynamicTest.dynamicTest("crash before call $call") { explorer.crashBefore(call) }
}
