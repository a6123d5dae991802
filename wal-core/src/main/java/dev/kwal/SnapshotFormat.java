package dev.kwal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The bytes around the content of a snapshot; see "Snapshots" in {@code docs/format.md}.
 *
 * <pre>
 * 0       8         12             16         20         24    32      40         44
 * | magic | version | header bytes | required | optional | LSN | epoch | reserved | checksum | content …
 *
 * 0               8
 * | content bytes | checksum |                                     behind the content, at the end
 * </pre>
 */
final class SnapshotFormat {
    static final int HEADER_BYTES = 48;
    static final int TRAILER_BYTES = 12;

    /** {@code KWSN}, CR, LF, SUB, LF. */
    private static final long MAGIC = 0x0a1a_0a0d_4e53_574bL;

    private static final int VERSION = 1;
    private static final int HEADER_CHECKSUM = 44;

    private SnapshotFormat() {}

    static byte[] header(Snapshot snapshot) {
        var header = new byte[HEADER_BYTES];
        littleEndian(header)
                .putLong(MAGIC)
                .putInt(VERSION)
                .putInt(HEADER_BYTES)
                .putInt(0)
                .putInt(0)
                .putLong(snapshot.lsn())
                .putLong(snapshot.epoch())
                .putInt(0);
        littleEndian(header).putInt(HEADER_CHECKSUM, checksum(header, HEADER_CHECKSUM));
        return header;
    }

    /** What a header tells; throws if it is damaged, or of a version that is unknown here. */
    static Snapshot snapshot(long sequence, byte[] bytes) throws WalSnapshotException {
        var header = littleEndian(bytes);
        if (header.getLong() != MAGIC) {
            throw damage(sequence, "not a snapshot");
        }
        int expected = checksum(bytes, HEADER_CHECKSUM);
        int found = header.getInt(HEADER_CHECKSUM);
        if (found != expected) {
            throw damage(sequence, "the header has checksum " + hex(found) + ", expected " + hex(expected));
        }
        int version = header.getInt();
        int headerBytes = header.getInt();
        int required = header.getInt();
        if (version != VERSION || headerBytes != HEADER_BYTES || required != 0) {
            throw damage(
                    sequence,
                    "version " + version + " with required features " + hex(required) + ", expected " + VERSION
                            + " without any");
        }
        var snapshot = new Snapshot(sequence, header.getLong(24), header.getLong(32));
        if (snapshot.lsn() < 0 || snapshot.epoch() < 0) {
            throw damage(sequence, "LSN " + snapshot.lsn() + " in epoch " + snapshot.epoch());
        }
        return snapshot;
    }

    /** The trailer, after the checksum has taken in its first part. */
    static byte[] trailer(long contentBytes, CRC32C checksum) {
        var trailer = new byte[TRAILER_BYTES];
        littleEndian(trailer).putLong(contentBytes);
        checksum.update(trailer, 0, Long.BYTES);
        littleEndian(trailer).putInt(Long.BYTES, (int) checksum.getValue());
        return trailer;
    }

    static WalSnapshotException damage(long sequence, String what) {
        return new WalSnapshotException(0, "snapshot " + sequence + ": " + what);
    }

    static String hex(int checksum) {
        return Integer.toHexString(checksum);
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int checksum(byte[] bytes, int length) {
        var crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
