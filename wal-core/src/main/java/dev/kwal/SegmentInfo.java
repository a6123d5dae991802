package dev.kwal;

/**
 * One segment of a log.
 *
 * @param sequence the number in its name, from 1
 * @param baseLsn the LSN of its first record
 * @param lastLsn the LSN of its last record; {@code baseLsn - 1} if it has none
 * @param bytes how many bytes of it belong to the log
 * @param sealed whether it is complete; the newest segment is not
 */
public record SegmentInfo(long sequence, long baseLsn, long lastLsn, long bytes, boolean sealed) {}
