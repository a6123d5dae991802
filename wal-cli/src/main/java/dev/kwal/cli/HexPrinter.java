package dev.kwal.cli;

import dev.kwal.WalCursor;
import dev.kwal.WalRecord;
import java.io.IOException;
import java.time.Instant;
import java.util.HexFormat;

/** A heading for each record, then its bytes as numbers and as ASCII, sixteen in a line. */
final class HexPrinter implements RecordPrinter {
    private static final int ROW_BYTES = 16;
    private static final HexFormat HEX = HexFormat.of();

    private final Output output;

    HexPrinter(Output output) {
        this.output = output;
    }

    @Override
    public void print(WalCursor record) throws IOException {
        var bytes = record.view();
        output.line("LSN " + record.lsn() + labels(record) + ", " + record.length() + " bytes");
        for (int offset = 0; bytes.hasRemaining(); offset += ROW_BYTES) {
            var row = new byte[Math.min(ROW_BYTES, bytes.remaining())];
            bytes.get(row);
            output.line(line(offset, row));
        }
    }

    private static String labels(WalCursor record) {
        String tag = record.tag() == WalRecord.NO_TAG ? "" : ", tag " + record.tag();
        long millis = record.timestampMillis();
        return millis == WalRecord.NO_TIME ? tag : tag + ", " + Instant.ofEpochMilli(millis);
    }

    private static String line(int offset, byte[] row) {
        var line = new StringBuilder(80).append(HEX.toHexDigits(offset)).append(' ');
        for (int at = 0; at < ROW_BYTES; at++) {
            line.append(at == ROW_BYTES / 2 ? "  " : " ");
            line.append(at < row.length ? HEX.toHexDigits(row[at]) : "  ");
        }
        line.append("  |");
        for (byte b : row) {
            line.append(b >= ' ' && b <= '~' ? (char) b : '.');
        }
        return line.append('|').toString();
    }
}
