package dev.kwal.cli;

import dev.kwal.WalCursor;
import java.io.IOException;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * LSN, tab, and the record as UTF-8, one line for each record whatever it holds: a backslash, what a terminal might obey, and
 * bytes that are no UTF-8 are escaped as in C.
 */
final class TextPrinter implements RecordPrinter {
    private final Output output;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private final CharBuffer chars = CharBuffer.allocate(8192);
    private final StringBuilder text = new StringBuilder();

    TextPrinter(Output output) {
        this.output = output;
    }

    @Override
    public void print(WalCursor record) throws IOException {
        var bytes = record.view();
        output.print(record.lsn() + "\t");
        decoder.reset();
        CoderResult result;
        do {
            chars.clear();
            result = decoder.decode(bytes, chars, true);
            chars.flip();
            printChars();
            if (result.isError()) {
                for (int left = result.length(); left > 0; left--) {
                    output.print(String.format(Locale.ROOT, "\\x%02x", bytes.get()));
                }
            }
        } while (!result.isUnderflow());
        output.print("\n");
    }

    private void printChars() throws IOException {
        text.setLength(0);
        while (chars.hasRemaining()) {
            escape(chars.get());
        }
        output.print(CharBuffer.wrap(text));
    }

    private void escape(char c) {
        switch (c) {
            case '\\' -> text.append("\\\\");
            case '\n' -> text.append("\\n");
            case '\r' -> text.append("\\r");
            case '\t' -> text.append("\\t");
            default -> {
                if (Json.isHarmless(c)) {
                    text.append(c);
                } else {
                    text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
                }
            }
        }
    }
}
