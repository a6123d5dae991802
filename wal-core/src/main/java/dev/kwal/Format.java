package dev.kwal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The one place that knows byte offsets. The rules stand in {@code docs/format.md}; all numbers are little-endian.
 *
 * <pre>
 * segment   header, then frames, each at a multiple of 8
 *
 * header    0        8       12       16        20        24      40        48      56     58      60
 *           | magic  |version| bytes  |required |optional | log id| sequence| nonce |codec |key id | crc32c | 64
 *
 * frame     0        4        8        16       20      21      22               24
 *           | length | crc32c | LSN    | lag    | kind  | flags | extension bytes | extension | record | padding to 8
 * </pre>
 */
final class Format {
    static final int HEADER_BYTES = 64;
    static final int FRAME_HEADER_BYTES = 24;
    static final int ALIGNMENT = 8;
    static final int VERSION = 1;
    static final long MAX_LSN = Long.MAX_VALUE - 1;

    /** Required features that this version knows: none yet. */
    static final int KNOWN_REQUIRED_FEATURES = 0;

    static final byte RECORD = 0;
    static final byte OPEN = 1;
    static final byte HEAD = 2;
    static final byte MARK = 3;
    static final byte SEAL = 4;
    static final byte CLOSE = 5;

    /** Flags, two bits: where in a batch a record stands. */
    static final byte SINGLE = 0;

    static final byte BATCH_BEGIN = 1;
    static final byte BATCH_MIDDLE = 2;
    static final byte BATCH_END = 3;

    static final int OPEN_PAYLOAD_BYTES = 64;
    static final int POSITION_PAYLOAD_BYTES = 8;

    private static final long MAGIC = 0x0A1A0A0D4C41574BL; // "KWAL" CR LF SUB LF
    private static final int AT_VERSION = 8;
    private static final int AT_HEADER_BYTES = 12;
    private static final int AT_REQUIRED = 16;
    private static final int AT_OPTIONAL = 20;
    private static final int AT_LOG_ID = 24;
    private static final int AT_SEQUENCE = 40;
    private static final int AT_NONCE = 48;
    private static final int AT_CODEC = 56;
    private static final int AT_HEADER_CRC = 60;

    private static final int AT_CRC = 4;
    private static final int AT_LSN = 8;
    private static final int AT_LAG = 16;
    private static final int AT_KIND = 20;
    private static final int AT_FLAGS = 21;
    private static final int AT_EXTENSION_BYTES = 22;
    private static final long UNKNOWN_LAG = 0xFFFF_FFFFL;

    /** What a word of an extension says: its low byte; the number stands above. */
    static final int TAG = 1;

    static final int TIMESTAMP = 2;
    static final int EXTENSION_WORD_BYTES = 8;
    static final int MAX_EXTENSION_BYTES = 0xFFF8;
    static final long MAX_EXTENSION_NUMBER = (1L << 55) - 1;

    /** Of the eight bytes from the lag on: the flags that there are not, and what extensions are a multiple of. */
    private static final long UNUSED_BITS = 0x0007_FC00_0000_0000L;

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private Format() {}

    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** How many bytes a frame takes in the segment, padding included. */
    static long frameBytes(long payloadBytes) {
        return align(FRAME_HEADER_BYTES + payloadBytes);
    }

    static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }

    // -- header

    static ByteBuffer encodeHeader(SegmentHeader header) {
        var bytes = buffer(HEADER_BYTES);
        bytes.putLong(0, MAGIC);
        bytes.putInt(AT_VERSION, VERSION);
        bytes.putInt(AT_HEADER_BYTES, HEADER_BYTES);
        bytes.putInt(AT_OPTIONAL, header.optionalFeatures());
        bytes.putLong(AT_LOG_ID, header.logIdHigh());
        bytes.putLong(AT_LOG_ID + 8, header.logIdLow());
        bytes.putLong(AT_SEQUENCE, header.sequence());
        bytes.putLong(AT_NONCE, header.nonce());
        bytes.putInt(AT_HEADER_CRC, headerCrc(bytes));
        return bytes;
    }

    /** Decodes the 64 bytes at the start of a segment, or says what is wrong with them. */
    static SegmentHeader.Decoded decodeHeader(ByteBuffer bytes, int available) {
        if (available < HEADER_BYTES) {
            return SegmentHeader.Decoded.problem(SegmentHeader.Problem.UNFINISHED, "the header is not complete");
        }
        if (isZero(bytes, 0, HEADER_BYTES)) {
            return SegmentHeader.Decoded.problem(SegmentHeader.Problem.DAMAGED, "the header is damaged");
        }
        if (bytes.getLong(0) != MAGIC) {
            return SegmentHeader.Decoded.problem(SegmentHeader.Problem.FOREIGN, "not a segment, the magic is wrong");
        }
        if (bytes.getInt(AT_HEADER_CRC) != headerCrc(bytes)) {
            return SegmentHeader.Decoded.problem(SegmentHeader.Problem.DAMAGED, "the header is damaged");
        }
        int version = bytes.getInt(AT_VERSION);
        if (version != VERSION) {
            return SegmentHeader.Decoded.problem(
                    SegmentHeader.Problem.FOREIGN, "format version " + version + ", expected " + VERSION);
        }
        int headerBytes = bytes.getInt(AT_HEADER_BYTES);
        if (headerBytes != HEADER_BYTES) {
            return SegmentHeader.Decoded.problem(
                    SegmentHeader.Problem.FOREIGN, "header of " + headerBytes + " bytes, expected " + HEADER_BYTES);
        }
        int required = bytes.getInt(AT_REQUIRED);
        if ((required & ~KNOWN_REQUIRED_FEATURES) != 0 || bytes.getInt(AT_CODEC) != 0) {
            return SegmentHeader.Decoded.problem(
                    SegmentHeader.Problem.FOREIGN,
                    "needs features that are unknown here: 0x" + Integer.toHexString(required) + ", codec and key 0x"
                            + Integer.toHexString(bytes.getInt(AT_CODEC)));
        }
        return SegmentHeader.Decoded.header(new SegmentHeader(
                bytes.getLong(AT_LOG_ID),
                bytes.getLong(AT_LOG_ID + 8),
                bytes.getLong(AT_SEQUENCE),
                bytes.getLong(AT_NONCE),
                bytes.getInt(AT_OPTIONAL)));
    }

    /** What the checksums of a segment are salted with: the checksum of its header, which holds log id, sequence and nonce. */
    static int salt(SegmentHeader header) {
        return encodeHeader(header).getInt(AT_HEADER_CRC);
    }

    private static int headerCrc(ByteBuffer bytes) {
        var crc = new CRC32C();
        crc.update(bytes.duplicate().clear().limit(AT_HEADER_CRC));
        return (int) crc.getValue();
    }

    // -- frames

    /**
     * Completes a frame whose extension and payload already stand behind {@code at + FRAME_HEADER_BYTES}: fields, padding,
     * checksum, and the length last.
     *
     * @param at where in the buffer
     * @param position where in the segment
     * @param durableLsn the hint, at most {@code lsn}
     * @param bodyBytes of extension and payload together
     */
    static void sealFrame(
            ByteBuffer buffer,
            int at,
            int salt,
            long position,
            byte kind,
            byte flags,
            long lsn,
            long durableLsn,
            int extensionBytes,
            int bodyBytes,
            CRC32C crc) {
        int length = FRAME_HEADER_BYTES + bodyBytes;
        int end = at + (int) align(length);
        for (int pad = at + length; pad < end; pad++) {
            buffer.put(pad, (byte) 0);
        }
        buffer.putInt(at + AT_CRC, saltAt(salt, position));
        buffer.putLong(at + AT_LSN, lsn);
        buffer.putInt(at + AT_LAG, (int) Math.min(lsn - durableLsn, UNKNOWN_LAG));
        buffer.put(at + AT_KIND, kind);
        buffer.put(at + AT_FLAGS, flags);
        buffer.putShort(at + AT_EXTENSION_BYTES, (short) extensionBytes);
        buffer.putInt(at, length);
        buffer.putInt(at + AT_CRC, crc(buffer, at, end, crc));
    }

    /**
     * Completes the frame of a record whose extension and payload already stand in a buffer of zeros: fields and checksum,
     * but for the length, which is stored last, by whoever publishes the frame.
     *
     * @param at where in the buffer
     * @param position where in the segment
     * @param durableLsn the hint, at most {@code lsn}
     * @param bodyBytes of extension and payload together
     */
    static void putRecordFields(
            ByteBuffer buffer,
            int at,
            int salt,
            long position,
            byte flags,
            long lsn,
            long durableLsn,
            int extensionBytes,
            int bodyBytes,
            CRC32C crc) {
        int length = FRAME_HEADER_BYTES + bodyBytes;
        buffer.putLong(at + AT_LSN, lsn);
        buffer.putInt(at + AT_LAG, (int) Math.min(lsn - durableLsn, UNKNOWN_LAG));
        int batch = flags << ((AT_FLAGS - AT_KIND) * Byte.SIZE);
        int extension = extensionBytes << ((AT_EXTENSION_BYTES - AT_KIND) * Byte.SIZE);
        buffer.putInt(at + AT_KIND, RECORD | batch | extension);
        buffer.putInt(at + AT_CRC, saltAt(salt, position));
        crc.update(length);
        crc.update(length >>> 8);
        crc.update(length >>> 16);
        crc.update(length >>> 24);
        crc.update(buffer.duplicate().limit(at + (int) align(length)).position(at + AT_CRC));
        buffer.putInt(at + AT_CRC, (int) crc.getValue());
    }

    /** Whether the checksum of the frame at {@code at} is right; leaves the buffer as it was. */
    static boolean hasValidCrc(ByteBuffer buffer, int at, int salt, long position, CRC32C crc) {
        int stored = buffer.getInt(at + AT_CRC);
        buffer.putInt(at + AT_CRC, saltAt(salt, position));
        int computed = crc(buffer, at, at + (int) align(length(buffer, at)), crc);
        buffer.putInt(at + AT_CRC, stored);
        return stored == computed;
    }

    /** The first part of a checksum that is computed piece by piece: begins with the frame header at {@code at}. */
    static void beginCrc(ByteBuffer buffer, int at, int salt, long position, int bytes, CRC32C crc) {
        int stored = buffer.getInt(at + AT_CRC);
        buffer.putInt(at + AT_CRC, saltAt(salt, position));
        crc.reset();
        crc.update(buffer.duplicate().limit(at + bytes).position(at));
        buffer.putInt(at + AT_CRC, stored);
    }

    static int storedCrc(ByteBuffer buffer, int at) {
        return buffer.getInt(at + AT_CRC);
    }

    private static int crc(ByteBuffer buffer, int from, int to, CRC32C crc) {
        int limit = buffer.limit();
        int position = buffer.position();
        crc.reset();
        crc.update(buffer.limit(to).position(from));
        buffer.limit(limit).position(position);
        return (int) crc.getValue();
    }

    /** Positions are multiples of 8, so that below 32 GiB no two positions of a segment share a salt. */
    private static int saltAt(int salt, long position) {
        return salt ^ (int) (position >>> 3) ^ (int) (position >>> 35);
    }

    /** The length word, as an unsigned number. Zero is the end. */
    static long length(ByteBuffer buffer, int at) {
        return buffer.getInt(at) & 0xFFFF_FFFFL;
    }

    static long lsn(ByteBuffer buffer, int at) {
        return buffer.getLong(at + AT_LSN);
    }

    /** The hint: a durable LSN when the frame was encoded, or -1 where the frame gives none. */
    static long durableLsn(ByteBuffer buffer, int at) {
        long lag = buffer.getInt(at + AT_LAG) & UNKNOWN_LAG;
        return lag == UNKNOWN_LAG ? -1 : lsn(buffer, at) - lag;
    }

    static byte kind(ByteBuffer buffer, int at) {
        return buffer.get(at + AT_KIND);
    }

    static byte flags(ByteBuffer buffer, int at) {
        return buffer.get(at + AT_FLAGS);
    }

    static int extensionBytes(ByteBuffer buffer, int at) {
        return buffer.getShort(at + AT_EXTENSION_BYTES) & 0xFFFF;
    }

    static long extensionWord(int what, long number) {
        return (number << Byte.SIZE) | what;
    }

    /** The first number of this kind in the extension of the frame at {@code at}; -1 if there is none. */
    static long extensionNumber(ByteBuffer buffer, int at, int what) {
        int end = at + FRAME_HEADER_BYTES + extensionBytes(buffer, at);
        for (int word = at + FRAME_HEADER_BYTES; word < end; word += EXTENSION_WORD_BYTES) {
            long bits = buffer.getLong(word);
            if ((bits & 0xFF) == what) {
                return bits >> Byte.SIZE;
            }
        }
        return -1;
    }

    /** How many bytes the record in the frame at {@code at} has; 0 for a frame of another kind. */
    static long recordBytes(ByteBuffer buffer, int at) {
        return kind(buffer, at) == RECORD ? length(buffer, at) - FRAME_HEADER_BYTES - extensionBytes(buffer, at) : 0;
    }

    /** Whether the fixed fields can be those of a frame of version 1 in the {@code room} bytes from there on. */
    static boolean isPlausible(ByteBuffer buffer, int at, long room) {
        return isPlausible(length(buffer, at), lsn(buffer, at), buffer.getLong(at + AT_LAG), room);
    }

    /** @param rest lag, kind, flags and extension bytes */
    private static boolean isPlausible(long length, long lsn, long rest, long room) {
        long lag = rest & UNKNOWN_LAG;
        return length >= FRAME_HEADER_BYTES + extensionBytes(rest)
                && align(length) <= room
                && (rest & UNUSED_BITS) == 0
                && kind(rest) <= CLOSE
                && lsn >= 0
                && lsn <= MAX_LSN
                && (lag == UNKNOWN_LAG || lag <= lsn);
    }

    private static int kind(long rest) {
        return (int) (rest >>> 32) & 0xFF;
    }

    private static int extensionBytes(long rest) {
        return (int) (rest >>> 48);
    }

    // -- frames in a row, on the heap

    /** How many bytes the frame at {@code at} takes of those up to {@code to}; 0 if there can be none, or a longer record. */
    static int plausibleBytes(byte[] bytes, int at, int to, int maxRecordBytes) {
        if (to - at < FRAME_HEADER_BYTES) {
            return 0;
        }
        long length = length(bytes, at);
        long rest = (long) LONG.get(bytes, at + AT_LAG);
        boolean isFrame = isPlausible(length, (long) LONG.get(bytes, at + AT_LSN), rest, to - at)
                && (kind(rest) != RECORD || length - FRAME_HEADER_BYTES - extensionBytes(rest) <= maxRecordBytes);
        return isFrame ? (int) align(length) : 0;
    }

    /** Where the last frame ends, by the lengths alone, of those that begin with the first byte. */
    static int endOfFrames(byte[] bytes, int to) {
        int at = 0;
        while (to - at >= FRAME_HEADER_BYTES) {
            long length = length(bytes, at);
            if (length < FRAME_HEADER_BYTES || align(length) > to - at) {
                break;
            }
            at += (int) align(length);
        }
        return at;
    }

    static long length(byte[] bytes, int at) {
        return (int) INT.get(bytes, at) & 0xFFFF_FFFFL;
    }

    /** Whether the frame at {@code at}, which is whole, holds a record. */
    static boolean isRecord(byte[] bytes, int at, long lsn) {
        return bytes[at + AT_KIND] == RECORD && (long) LONG.get(bytes, at + AT_LSN) == lsn;
    }

    static void putCrc(byte[] bytes, int at, int crc) {
        INT.set(bytes, at + AT_CRC, crc);
    }

    /** Puts the salt where a checksum expects it, and gives back the checksum that stood there. */
    static int putSalt(byte[] bytes, int at, int salt, long position) {
        int stored = (int) INT.get(bytes, at + AT_CRC);
        putCrc(bytes, at, saltAt(salt, position));
        return stored;
    }

    static boolean isZero(ByteBuffer bytes, int from, int count) {
        for (int at = from; at < from + count; at++) {
            if (bytes.get(at) != 0) {
                return false;
            }
        }
        return true;
    }
}
