package dev.kwal.cli;

import dev.kwal.SegmentInfo;
import dev.kwal.WalReader;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All segments that a store holds, those that are no part of the log included. */
final class Listing {
    private Listing() {}

    /** What a segment is to the log. */
    enum State {
        /** Complete. */
        SEALED,
        /** Complete without a seal: a crash or a truncation ended it. */
        ENDED,
        /** The newest one. */
        OPEN,
        /** Left behind, and not deleted yet. */
        DEAD,
        /** Made for later. */
        PREPARED,
        /** It cannot be said, because the log cannot be opened. */
        UNKNOWN;

        String text() {
            return switch (this) {
                case SEALED -> "sealed";
                case ENDED -> "ended";
                case OPEN -> "open";
                case DEAD -> "dead";
                case PREPARED -> "prepared";
                case UNKNOWN -> "unknown";
            };
        }
    }

    /**
     * One segment.
     *
     * @param info null if it is no part of the log
     * @param lastLsn its last whole record, proven durable or not; 0 if it has none, or is no part of the log
     * @param fileBytes how long its file is, prepared space included
     */
    record Entry(long sequence, State state, @Nullable SegmentInfo info, long lastLsn, long fileBytes) {
        /** The name of its file: 20 digits, see {@code docs/format.md}. */
        String name() {
            var digits = Long.toString(sequence);
            return "0".repeat(20 - digits.length()) + digits + ".wal";
        }
    }

    /**
     * Lists them, oldest first. What is deleted meanwhile is left out.
     *
     * @param reader null if the log cannot be opened
     */
    static List<Entry> of(WalStore store, @Nullable WalReader reader) throws IOException {
        var live = new HashMap<Long, SegmentInfo>();
        long last = Long.MAX_VALUE;
        if (reader != null) {
            last = 0;
            for (var info : reader.segments()) {
                live.put(info.sequence(), info);
                last = info.sequence();
            }
        }
        var entries = new ArrayList<Entry>();
        for (long sequence : store.segments()) {
            var info = live.get(sequence);
            var state = reader == null ? State.UNKNOWN : stateOf(sequence, info, last);
            long fileBytes = fileBytes(store, sequence);
            if (fileBytes >= 0) {
                entries.add(new Entry(sequence, state, info, lastLsn(info, state, reader), fileBytes));
            }
        }
        return entries;
    }

    /** -1 if it was deleted. */
    private static long fileBytes(WalStore store, long sequence) throws IOException {
        try (var segment = store.open(sequence)) {
            return segment.size();
        } catch (NoSuchFileException e) {
            return -1;
        }
    }

    /** For the newest segment the reader tells only what is durable. */
    private static long lastLsn(@Nullable SegmentInfo info, State state, @Nullable WalReader reader) {
        if (info == null || reader == null) {
            return 0;
        }
        long last =
                state == State.OPEN ? Math.max(info.lastLsn(), reader.recovery().lastLsn()) : info.lastLsn();
        return last < info.baseLsn() ? 0 : last;
    }

    private static State stateOf(long sequence, @Nullable SegmentInfo info, long last) {
        if (info == null) {
            return sequence < last ? State.DEAD : State.PREPARED;
        }
        if (info.sealed()) {
            return State.SEALED;
        }
        return sequence < last ? State.ENDED : State.OPEN;
    }
}
