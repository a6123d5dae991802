package dev.kwal.coroutines

import kotlinx.coroutines.ExperimentalForInheritanceCoroutinesApi
import kotlinx.coroutines.flow.StateFlow

/**
 * A state flow whose value is asked of the log each time, so that whoever came back from a call sees what the call has
 * done. Collectors are told a moment later, as [told] is.
 */
@OptIn(ExperimentalForInheritanceCoroutinesApi::class)
internal class LiveFlow<T>(told: StateFlow<T>, private val look: () -> T) : StateFlow<T> by told {
    override val value: T get() = look()

    override val replayCache: List<T> get() = listOf(value)
}
