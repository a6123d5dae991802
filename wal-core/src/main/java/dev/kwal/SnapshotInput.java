package dev.kwal;

import static dev.kwal.SnapshotFormat.TRAILER_BYTES;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The content of a snapshot. Says that it ends only when length and checksum are those of its trailer; closing it does
 * nothing.
 *
 * <p>Always: the last bytes read are held back, because they may be the trailer. One thread.
 */
final class SnapshotInput extends InputStream {
    private static final int BLOCK_BYTES = 64 * 1024;

    private final InputStream source;
    private final long sequence;
    private final CRC32C crc = new CRC32C();
    private final byte[] block = new byte[BLOCK_BYTES];
    private final Snapshot snapshot;
    private int start;
    private int end;
    private long contentBytes;
    private boolean hasEnded;
    private boolean isWhole;
    private @Nullable WalSnapshotException damage;

    /** Reads the header. */
    SnapshotInput(InputStream source, long sequence) throws IOException {
        this.source = source;
        this.sequence = sequence;
        var header = source.readNBytes(SnapshotFormat.HEADER_BYTES);
        if (header.length < SnapshotFormat.HEADER_BYTES) {
            throw SnapshotFormat.damage(sequence, "it ends at byte " + header.length + ", in its header");
        }
        this.snapshot = SnapshotFormat.snapshot(sequence, header);
        crc.update(header, 0, header.length);
    }

    Snapshot snapshot() {
        return snapshot;
    }

    /** Reads what is left, and throws if anything is not as it was written. */
    void drain() throws IOException {
        while (hasContent()) {
            take(end - start - TRAILER_BYTES);
        }
    }

    @Override
    public int read() throws IOException {
        if (!hasContent()) {
            return -1;
        }
        int octet = block[start] & 0xff;
        take(1);
        return octet;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (length == 0) {
            return 0;
        }
        if (!hasContent()) {
            return -1;
        }
        int count = Math.min(length, end - start - TRAILER_BYTES);
        System.arraycopy(block, start, bytes, offset, count);
        take(count);
        return count;
    }

    private void take(int count) {
        crc.update(block, start, count);
        start += count;
        contentBytes += count;
    }

    /** Whether there is more before the trailer. */
    private boolean hasContent() throws IOException {
        while (end - start <= TRAILER_BYTES && !hasEnded) {
            System.arraycopy(block, start, block, 0, end - start);
            end -= start;
            start = 0;
            int count = source.read(block, end, block.length - end);
            hasEnded = count < 0;
            end += Math.max(0, count);
        }
        if (end - start > TRAILER_BYTES) {
            return true;
        }
        checkTrailer();
        return false;
    }

    private void checkTrailer() throws WalSnapshotException {
        if (isWhole) {
            return;
        }
        if (damage == null) {
            damage = problem();
        }
        if (damage != null) {
            throw damage;
        }
        isWhole = true;
    }

    private @Nullable WalSnapshotException problem() {
        if (end - start < TRAILER_BYTES) {
            return SnapshotFormat.damage(sequence, "it ends in its trailer");
        }
        var trailer = ByteBuffer.wrap(block, start, TRAILER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        long length = trailer.getLong();
        if (length != contentBytes) {
            return SnapshotFormat.damage(sequence, "it has " + contentBytes + " bytes, expected " + length);
        }
        crc.update(block, start, Long.BYTES);
        int expected = trailer.getInt();
        int found = (int) crc.getValue();
        if (found != expected) {
            return SnapshotFormat.damage(
                    sequence,
                    "checksum is " + SnapshotFormat.hex(found) + ", expected " + SnapshotFormat.hex(expected));
        }
        return null;
    }
}
