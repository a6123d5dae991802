package dev.kwal;

import java.io.IOException;

/** Makes cursors over ranges out of such that read in order. */
final class Ranges {
    private Ranges() {}

    /**
     * A cursor over a range.
     *
     * @param lastLsn the last record that can be read
     * @param source refuses to open where nothing can be read
     */
    static WalCursor cursor(WalRange range, LogView view, long lastLsn, ReverseCursor.Source source)
            throws IOException {
        long toLsn = Math.min(range.toLsn(), lastLsn);
        var cursor = source.open(range.fromLsn(), toLsn);
        if (range.backwards()) {
            cursor.close();
            long fromLsn = range.fromLsn() == 0 ? view.firstLsn() : range.fromLsn();
            return new ReverseCursor(source, view, new WalRange(fromLsn, toLsn, range.tag(), true));
        }
        return range.tag() == WalRecord.NO_TAG ? cursor : new TaggedCursor(cursor, range.tag());
    }
}
