package dev.kwal.benchmarks.limits

import java.nio.ByteBuffer
import java.util.concurrent.locks.LockSupport
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * The idealised group commit: records are copied into a group, one of its callers writes and flushes it for all, and
 * the next group forms in the meantime. No frames, checksums, LSNs, segments or failures.
 *
 * Whoever led names a leader of the next group first, and then wakes its own group; nobody takes a lock to wake up.
 *
 * @param groupBytes at least the sum of one record of each caller
 */
internal class BatchWriter(private val file: RawFile, groupBytes: Int) {
    private class Group(val records: ByteBuffer) {
        val members = ArrayList<Thread>()

        @Volatile var leader: Thread? = null

        @Volatile var durable = false
    }

    private val lock = ReentrantLock()
    private var forming = Group(ByteBuffer.allocateDirect(groupBytes))
    private var spare = ByteBuffer.allocateDirect(groupBytes)
    private var leading = false

    /** Returns when [record] is durable. */
    fun append(record: ByteArray) {
        val me = Thread.currentThread()
        var group: Group
        lock.withLock {
            group = forming
            group.records.put(record)
            if (leading) {
                group.members.add(me)
            } else {
                leading = true
                group.leader = me
            }
        }
        while (group.leader !== me) {
            if (group.durable) return
            LockSupport.park(this)
        }
        commit(group)
    }

    private fun commit(group: Group) {
        lock.withLock { forming = Group(spare) }
        file.write(group.records.flip())
        file.force()
        group.durable = true
        var leader: Thread? = null
        lock.withLock {
            spare = group.records.clear()
            leader = forming.members.removeLastOrNull()
            forming.leader = leader
            leading = leader != null
        }
        LockSupport.unpark(leader)
        group.members.forEach(LockSupport::unpark)
    }
}
