package dev.kwal;

/**
 * What {@link WalReader#backup} has made.
 *
 * @param segments how many segments the copy has
 * @param linkedSegments how many of them are hard links to files of the log
 * @param bytes how many bytes the segments hold together, linked ones included
 * @param firstLsn the first record in it; {@code lastLsn + 1} if there is none
 * @param lastLsn the last record in it; 0 if the log never had one
 */
public record WalBackup(int segments, int linkedSegments, long bytes, long firstLsn, long lastLsn) {}
