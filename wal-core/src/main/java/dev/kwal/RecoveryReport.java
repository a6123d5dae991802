package dev.kwal;

/**
 * What opening a log found and did.
 *
 * @param end how the log ended
 * @param firstLsn the first record that is still there; {@code lastLsn + 1} if there is none
 * @param lastLsn the last record that came back; 0 in a log that never had one
 * @param provenDurableLsn the last record that the log itself proves to have been synced before; those behind it, up to
 *     {@code lastLsn}, came back and were made durable again
 * @param segments how many segments the log has
 * @param scannedBytes how many bytes were read and checked
 * @param copiedRecords how many records without proof were copied into a fresh, synced segment
 * @param tornSegment the segment that ended in a torn write; 0 if none did
 * @param tornPosition where in that segment the torn write begins; 0 if there is none
 * @param tornBytes how many bytes from there on hold something other than zeros, to the last of them; 0 if there are none
 * @param deletedSegments how many segments that the log had left behind were deleted; segments prepared and never begun
 *     are not counted
 */
public record RecoveryReport(
        End end,
        long firstLsn,
        long lastLsn,
        long provenDurableLsn,
        int segments,
        long scannedBytes,
        long copiedRecords,
        long tornSegment,
        long tornPosition,
        long tornBytes,
        int deletedSegments) {

    /** How a log ended before it was opened. */
    public enum End {
        /** There was no log, or one that never had a record: nothing is written before the first. A new one begins. */
        NEW,
        /** It was closed. */
        CLEAN,
        /** It was not closed, and ends with a whole record. */
        UNCLOSED,
        /** It was not closed, and a write was torn at its end. What was torn had never been proven synced. */
        TORN
    }

    /** One line for a person. */
    @Override
    public String toString() {
        var text = new StringBuilder(160);
        text.append(
                switch (end) {
                    case NEW -> "new log";
                    case CLEAN -> "clean";
                    case UNCLOSED -> "not closed, nothing torn";
                    case TORN ->
                        "torn tail in segment " + tornSegment + " at byte " + tornPosition + ", " + tornBytes
                                + " bytes";
                });
        text.append("; records ").append(firstLsn).append(" to ").append(lastLsn);
        text.append(", proven durable through ").append(provenDurableLsn);
        text.append(", ")
                .append(copiedRecords)
                .append(" copied; ")
                .append(segments)
                .append(" segments, ");
        text.append(scannedBytes)
                .append(" bytes scanned, ")
                .append(deletedSegments)
                .append(" dead segments deleted");
        return text.toString();
    }
}
