package dev.kwal.coroutines

import kotlinx.coroutines.ExperimentalForInheritanceCoroutinesApi
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.FlowCollector
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.map

/**
 * A state flow whose values are asked of the log, so that whoever came back from a call sees what the call has done.
 *
 * Always: each collector is told on its own after [changes], so that one that blocks holds up no other.
 */
@OptIn(ExperimentalForInheritanceCoroutinesApi::class)
internal class LiveFlow<T>(private val changes: () -> StateFlow<Long>, private val look: () -> T) : StateFlow<T> {
    override val value: T get() = look()

    override val replayCache: List<T> get() = listOf(value)

    override suspend fun collect(collector: FlowCollector<T>): Nothing {
        changes().map { look() }.distinctUntilChanged().conflate().flowOn(LogIo).collect(collector)
        awaitCancellation()
    }
}
