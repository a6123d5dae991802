package dev.kwal;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Puts header and trailer around what is written. Closing and flushing it do nothing.
 *
 * <p>After a failure it is good for nothing, and says so at the end to one who did not hear. One thread.
 */
final class SnapshotOutput extends OutputStream {
    private final OutputStream target;
    private final CRC32C crc = new CRC32C();
    private long contentBytes;
    private boolean hasEnded;
    private @Nullable IOException failure;

    SnapshotOutput(OutputStream target, Snapshot snapshot) throws IOException {
        this.target = target;
        var header = SnapshotFormat.header(snapshot);
        put(header, 0, header.length);
    }

    @Override
    public void write(int octet) throws IOException {
        write(new byte[] {(byte) octet}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (hasEnded) {
            throw new IOException("the snapshot is complete");
        }
        put(bytes, offset, length);
        contentBytes += length;
    }

    /** Writes the trailer; nothing can be written any more. */
    void end() throws IOException {
        hasEnded = true;
        var trailer = SnapshotFormat.trailer(contentBytes, crc);
        put(trailer, 0, trailer.length);
    }

    private void put(byte[] bytes, int offset, int length) throws IOException {
        if (failure != null) {
            throw new IOException("a write has failed before", failure);
        }
        try {
            target.write(bytes, offset, length);
        } catch (IOException e) {
            failure = e;
            throw e;
        }
        crc.update(bytes, offset, length);
    }
}
