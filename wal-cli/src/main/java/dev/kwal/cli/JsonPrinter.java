package dev.kwal.cli;

import dev.kwal.WalCursor;
import dev.kwal.WalRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;

/**
 * One JSON object in each line: the LSN, the length, tag and time where it has such, and the record as text if it is UTF-8,
 * else in Base64.
 */
final class JsonPrinter implements RecordPrinter {
    /** A multiple of three, so that pieces in Base64 can stand back to back. */
    private static final int PIECE_BYTES = 3 * 4096;

    private final Output output;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private final CharBuffer chars = CharBuffer.allocate(8192);
    private final StringBuilder text = new StringBuilder();

    JsonPrinter(Output output) {
        this.output = output;
    }

    @Override
    public void print(WalCursor record) throws IOException {
        var bytes = record.view();
        output.print("{\"lsn\":" + record.lsn() + ",\"bytes\":" + record.length());
        if (record.tag() != WalRecord.NO_TAG) {
            output.print(",\"tag\":" + record.tag());
        }
        if (record.timestampMillis() != WalRecord.NO_TIME) {
            output.print(",\"time\":\"" + Instant.ofEpochMilli(record.timestampMillis()) + "\"");
        }
        if (isText(bytes.duplicate())) {
            output.print(",\"text\":\"");
            printText(bytes);
        } else {
            output.print(",\"base64\":\"");
            printBase64(bytes);
        }
        output.print("\"}\n");
    }

    private boolean isText(ByteBuffer bytes) {
        decoder.reset();
        CoderResult result;
        do {
            chars.clear();
            result = decoder.decode(bytes, chars, true);
        } while (result.isOverflow());
        return !result.isError();
    }

    private void printText(ByteBuffer bytes) throws IOException {
        decoder.reset();
        CoderResult result;
        do {
            chars.clear();
            result = decoder.decode(bytes, chars, true);
            chars.flip();
            text.setLength(0);
            while (chars.hasRemaining()) {
                Json.quote(chars.get(), text);
            }
            output.print(CharBuffer.wrap(text));
        } while (result.isOverflow());
    }

    private void printBase64(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            var piece = new byte[Math.min(PIECE_BYTES, bytes.remaining())];
            bytes.get(piece);
            output.print(Base64.getEncoder().encode(piece));
        }
    }
}
