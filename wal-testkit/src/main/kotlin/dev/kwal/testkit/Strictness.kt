package dev.kwal.testkit

/** How much a crash takes, from the least to the most. A log has to come through all of them. */
public enum class Strictness {
    /** The process ends. All that it wrote is still there; what it did not flush is still unflushed. */
    PROCESS_KILL,

    /**
     * The power goes, over a file system that journals in order, as ext4 does with `data=ordered` and without delayed
     * allocation. Of the changes of names and sizes everywhere those up to one moment survive, and that is no earlier than
     * the last one that was flushed. A size comes with its data. Of what was written over older data anything survives.
     */
    ORDERED_METADATA,

    /**
     * The power goes, and nothing holds but what POSIX says. Any set of unflushed 512-byte sectors or 4-KiB blocks
     * survives, any size, with its data or without, and any set of the changes of names in each directory.
     */
    LOOSE_POSIX,
}
