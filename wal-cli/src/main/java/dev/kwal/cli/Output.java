package dev.kwal.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The standard output, always in UTF-8, whatever the locale: what is dumped in one place is read in another.
 *
 * <p>Unlike {@link System#out} it says so when nobody reads any more, or when it cannot be written. One thread.
 */
final class Output {
    private final OutputStream stream;

    Output(OutputStream stream) {
        this.stream = stream;
    }

    static Output standard() {
        return new Output(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 64 << 10));
    }

    /** For the parser of the command line, which knows writers only. */
    PrintWriter writer() {
        return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
    }

    void line(String text) throws IOException {
        print(text);
        print("\n");
    }

    void print(String text) throws IOException {
        print(text.getBytes(StandardCharsets.UTF_8));
    }

    void print(CharBuffer text) throws IOException {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
        print(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
    }

    void print(byte[] bytes) throws IOException {
        print(bytes, 0, bytes.length);
    }

    private void print(byte[] bytes, int from, int count) throws IOException {
        try {
            stream.write(bytes, from, count);
        } catch (IOException e) {
            throw explained(e);
        }
    }

    void flush() throws IOException {
        try {
            stream.flush();
        } catch (IOException e) {
            throw explained(e);
        }
    }

    private static IOException explained(IOException e) {
        var message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return message.contains("pipe")
                ? new OutputClosedException(e)
                : new IOException("standard output: " + e.getMessage(), e);
    }
}
