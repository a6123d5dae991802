package dev.kwal.storage

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

    fun link(name: String, node: SimulatedNode) = change(Change(name, node))

    fun unlink(name: String) = change(Change(name, null))

    /** One step: no power loss shows both names, or none. */
    fun rename(from: String, to: String) = change(Change(to, names.getValue(from)))

    fun flush() {
        platter = LinkedHashMap(names)
        changes.clear()
    }

    override fun copy(copies: MutableMap<SimulatedNode, SimulatedNode>): SimulatedDirectory {
        fun copyOf(node: SimulatedNode) = copies[node] ?: node.copy(copies)
        val copy = SimulatedDirectory(
            names.mapValuesTo(LinkedHashMap()) { copyOf(it.value) },
            platter.mapValues { copyOf(it.value) },
            changes.mapTo(ArrayList()) { change -> Change(change.name, change.node?.let(::copyOf)) },
        )
        copies[this] = copy
        return copy
    }

    /** Any of the changes survive. What they lead to is settled on its own. */
    override fun afterPowerLoss(random: Random): SimulatedDirectory {
        val left = LinkedHashMap(platter)
        val mode = random.nextInt(4)
        for (change in changes) {
            if (mode == 0 || (mode > 1 && random.nextBoolean())) change.applyTo(left)
        }
        left.replaceAll { _, node -> node.afterPowerLoss(random) }
        return SimulatedDirectory(left, LinkedHashMap(left), ArrayList())
    }

    private fun change(change: Change) {
        change.applyTo(names)
        changes.add(change)
    }

    /** Gives a node a name, and takes it from any that it had; without a node the name is free. */
    private class Change(val name: String, val node: SimulatedNode?) {
        fun applyTo(names: MutableMap<String, SimulatedNode>) {
            if (node == null) {
                names.remove(name)
            } else {
                names.values.removeIf { it === node }
                names[name] = node
            }
        }
    }
}
