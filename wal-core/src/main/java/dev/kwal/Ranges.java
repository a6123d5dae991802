package dev.kwal;

import java.io.IOException;

/** Makes cursors over ranges out of such that read in order. */
final class Ranges {
    private Ranges() {}

    /**
     * A cursor over a range.
     *
     * @param firstLsn the first record that can be read
     * @param lastLsn the last
     * @param source refuses to open where nothing can be read
     */
    static WalCursor cursor(WalRange range, long firstLsn, long lastLsn, ReverseCursor.Source source)
            throws IOException {
        long toLsn = Math.min(range.toLsn(), lastLsn);
        var cursor = source.open(range.fromLsn(), toLsn);
        if (range.backwards()) {
            cursor.close();
            cursor = new ReverseCursor(source, Math.max(range.fromLsn(), firstLsn), toLsn);
        }
        return range.tag() == WalRecord.NO_TAG ? cursor : new TaggedCursor(cursor, range.tag());
    }
}
