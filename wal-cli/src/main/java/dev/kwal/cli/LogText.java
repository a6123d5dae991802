package dev.kwal.cli;

import dev.kwal.WalReader;

/** Says in words what a log is. */
final class LogText {
    private LogText() {}

    /** How it ended. */
    static String state(WalReader reader) {
        var found = reader.recovery();
        return switch (found.end()) {
            case NEW -> "empty: it never had a record";
            case CLEAN -> "closed";
            case UNCLOSED -> "not closed: in use, or left by a crash";
            case TORN ->
                "not closed, torn in segment " + found.tornSegment() + " at byte " + found.tornPosition() + ", "
                        + found.tornBytes() + " bytes: in use, or left by a crash";
        };
    }

    /** What it holds, proven durable or not. */
    static String records(WalReader reader) {
        return records(reader.firstLsn(), reader.recovery().lastLsn());
    }

    /** The records from one LSN to another. */
    static String records(long first, long last) {
        return last < first
                ? "none, the next is LSN " + (last + 1)
                : last - first + 1 + ", LSN " + first + " to " + last;
    }
}
