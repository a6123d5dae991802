package dev.kwal.storage;

/**
 * What a store can promise. A log refuses a durability level that its store cannot give.
 *
 * @param survivesProcessCrash appended bytes outlive the process that appended them
 * @param survivesPowerLoss bytes and segment names outlive a loss of power once {@link SegmentWriter#sync()} returned
 * @param resumable {@link WalStore#resume} works; where it does not, each open starts a new segment
 */
public record StoreCapabilities(boolean survivesProcessCrash, boolean survivesPowerLoss, boolean resumable) {

    /** A disk that honours flushes: everything. */
    public static final StoreCapabilities DURABLE = new StoreCapabilities(true, true, true);

    /** A medium that outlives the process but not a loss of power. */
    public static final StoreCapabilities PROCESS_CRASH_ONLY = new StoreCapabilities(true, false, true);
}
