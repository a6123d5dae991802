package dev.kwal.coroutines

import kotlinx.coroutines.Deferred

/**
 * The receipt of an accepted record, or of the last record of a batch. The record commits with its group whatever becomes
 * of the ticket or of the coroutine that got it.
 */
public class SuspendingTicket internal constructor(
    /** The LSN of the record, or of the last record of the batch. */
    public val lsn: Long,
    /**
     * Completes with [lsn] when the record has reached the level asked for, or exceptionally with a
     * [dev.kwal.WalFailedException] if the log failed first. It belongs to no scope; cancelling its await harms nothing.
     */
    public val reached: Deferred<Long>,
) {
    /** The LSN. */
    override fun toString(): String = "ticket of record $lsn"
}
