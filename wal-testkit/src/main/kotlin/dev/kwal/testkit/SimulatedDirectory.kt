package dev.kwal.testkit

import java.util.Random

/** One directory: its names as programs see them, those on the platter, and the changes between in order. */
internal class SimulatedDirectory private constructor(
    private val names: LinkedHashMap<String, SimulatedNode>,
    private var platter: Map<String, SimulatedNode>,
    private val changes: ArrayList<Change>,
) : SimulatedNode {
    constructor() : this(LinkedHashMap(), emptyMap(), ArrayList())

    operator fun get(name: String): SimulatedNode? = names[name]

    fun names(): List<String> = names.keys.toList()

    fun nodes(): Collection<SimulatedNode> = names.values

    fun link(name: String, node: SimulatedNode, time: Int) = change(Change(name, node, time))

    fun unlink(name: String, time: Int) = change(Change(name, null, time))

    /** One step: no power loss shows both names, or none. */
    fun rename(from: String, to: String, time: Int) = change(Change(to, names.getValue(from), time))

    /** What an earlier flush failed to bring there is taken for flushed. */
    override fun flush(): Int {
        val flushed = LinkedHashMap(platter)
        for (change in changes) change.applyTo(flushed)
        platter = flushed
        return (changes.lastOrNull()?.time ?: 0).also { changes.clear() }
    }

    /**
     * Some of the names may have reached the platter; the rest is taken for flushed and never gets there. Those of
     * directories are flushed again by the next flush.
     */
    fun failToFlush(random: Random) {
        val left = LinkedHashMap(platter)
        val survives = survivors(PowerLoss(random, null))
        val (directories, files) = changes.partition { it.node is SimulatedDirectory }
        for (change in files) if (survives(change)) change.applyTo(left)
        platter = left
        changes.clear()
        changes.addAll(directories)
    }

    override fun copy(copies: MutableMap<SimulatedNode, SimulatedNode>): SimulatedDirectory {
        fun copyOf(node: SimulatedNode) = copies[node] ?: node.copy(copies)
        val copy = SimulatedDirectory(
            names.mapValuesTo(LinkedHashMap()) { copyOf(it.value) },
            platter.mapValues { copyOf(it.value) },
            changes.mapTo(ArrayList()) { change -> Change(change.name, change.node?.let(::copyOf), change.time) },
        )
        copies[this] = copy
        return copy
    }

    /** What the names lead to is settled on its own. */
    override fun afterPowerLoss(loss: PowerLoss): SimulatedDirectory {
        val left = LinkedHashMap(platter)
        val survives = survivors(loss)
        for (change in changes) if (survives(change)) change.applyTo(left)
        left.replaceAll { _, node -> loss.left(node) }
        return SimulatedDirectory(left, LinkedHashMap(left), ArrayList())
    }

    private fun survivors(loss: PowerLoss): (Change) -> Boolean {
        if (loss.cut != null) return { it.time <= loss.cut }
        return when (loss.random.nextInt(CHOICES)) {
            0 -> { _ -> true }
            1 -> { _ -> false }
            else -> { _ -> loss.random.nextBoolean() }
        }
    }

    private fun change(change: Change) {
        change.applyTo(names)
        changes.add(change)
    }

    /** Gives a node a name, and takes it from any that it had; without a node the name is free. */
    private class Change(val name: String, val node: SimulatedNode?, val time: Int) {
        fun applyTo(names: MutableMap<String, SimulatedNode>) {
            if (node == null) {
                names.remove(name)
            } else {
                names.values.removeIf { it === node }
                names[name] = node
            }
        }
    }

    private companion object {
        /** All changes, none, or two parts of any of them. */
        const val CHOICES = 4
    }
}
