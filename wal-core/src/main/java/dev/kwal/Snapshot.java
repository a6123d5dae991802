package dev.kwal;

/**
 * One snapshot, as its header tells.
 *
 * @param sequence its name in the store; later ones have higher numbers
 * @param lsn the last record that it contains; 0 if it contains none
 * @param epoch that of the log when it was written
 */
public record Snapshot(long sequence, long lsn, long epoch) {}
