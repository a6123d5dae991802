package dev.kwal.coroutines

import dev.kwal.WalPin

/**
 * Holds the records behind an LSN in the log for one reader, by name, across restarts: a [WalPin] whose calls suspend where
 * that one blocks. Its reader goes on with `replay(pin.lsn + 1)`, or `follow`.
 *
 * Always: it is written on I/O threads, not on the log's dispatcher.
 *
 * Threads: any. All objects of one name are the same pin.
 */
public class SuspendingPin internal constructor(private val pin: WalPin) {

    /** The name. */
    public val name: String get() = pin.name()

    /**
     * The last record that the reader does not need any more; those behind it are held.
     *
     * @throws dev.kwal.WalGoneException if the pin was dropped
     */
    public val lsn: Long get() = pin.lsn()

    /**
     * What becomes of it when the log is full.
     *
     * @throws dev.kwal.WalGoneException if the pin was dropped
     */
    public val overflow: WalPin.Overflow get() = pin.overflow()

    /** Whether it holds nothing any more. */
    public val isDropped: Boolean get() = pin.isDropped

    /**
     * How far its reader is behind the last record.
     *
     * @throws dev.kwal.WalGoneException if the pin was dropped
     */
    public val lag: WalPin.Lag get() = pin.lag()

    /**
     * Lets go of the records up to and including [lsn], durably, as [WalPin.advance] does. Takes a few flushes: advance once
     * for many records.
     *
     * Cancellation: before it has begun, nothing happens; later it is done all the same.
     *
     * @param lsn at most the log's last, not negative
     * @throws IllegalArgumentException if [lsn] is out of that range
     * @throws dev.kwal.WalGoneException if the pin was dropped
     * @throws dev.kwal.WalFailedException if the log has failed
     * @throws dev.kwal.WalClosedException after close
     * @throws java.io.IOException if the pin cannot be written, or a segment not be deleted
     */
    public suspend fun advance(lsn: Long): Unit = cancellably { pin.advance(lsn) }

    /**
     * Lets go of everything, for good and durably, as [WalPin.drop] does.
     *
     * Cancellation: before it has begun, nothing happens; later it is done all the same.
     *
     * @throws dev.kwal.WalFailedException if the log has failed
     * @throws dev.kwal.WalClosedException after close
     * @throws java.io.IOException if that cannot be written, or a segment not be deleted
     */
    public suspend fun drop(): Unit = cancellably { pin.drop() }

    /** The name, and how far it is. */
    override fun toString(): String = pin.toString()
}

/**
 * The pin of this name, which holds records for a slow reader across restarts; made if there is none, as
 * [dev.kwal.Wal.pin] does. Durable on return.
 *
 * Cancellation: before it has begun, nothing happens; later it is made all the same.
 *
 * @param name text of 1 to 255 bytes in UTF-8
 * @param overflow what becomes of it when the log is full, from now on; null leaves it as it is, and means
 *     [WalPin.Overflow.KEEP] for a new one
 * @throws IllegalArgumentException if the name is none
 * @throws IllegalStateException if there are 1,024 pins already
 * @throws dev.kwal.WalFailedException if the log has failed
 * @throws dev.kwal.WalClosedException after close
 * @throws java.io.IOException if it cannot be written
 */
public suspend fun SuspendingWal.pin(name: String, overflow: WalPin.Overflow? = null): SuspendingPin = cancellably {
    SuspendingPin(if (overflow == null) asBlocking().pin(name) else asBlocking().pin(name, overflow))
}

/** All pins, in the order in which they were made: a snapshot. */
public val SuspendingWal.pins: List<SuspendingPin> get() = asBlocking().pins().map { SuspendingPin(it) }
