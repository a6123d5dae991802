package dev.kwal;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a log keeps beside its segments: pins, when segments were sealed, and the newest writer. Immutable; see "Pins" in
 * {@code docs/format.md}.
 *
 * <pre>
 * 0       4       8       12
 * | magic | pins  | seals | pin … | seal … | writer epoch
 *
 * 0     8          9          10           12
 * | LSN | overflow | reserved | name bytes | name       a pin
 *
 * 0          8
 * | sequence | milliseconds |                           a seal
 * </pre>
 *
 * @param pins by name, in the order in which they were made
 * @param seals when segments were sealed, in milliseconds since 1970, by sequence
 * @param writerEpoch of the newest writer; 0, and not written, if none has begun
 */
record PinTable(Map<String, Pin> pins, Map<Long, Long> seals, long writerEpoch) {
    static final PinTable EMPTY = new PinTable(Map.of(), Map.of(), 0);
    static final int MAX_PINS = 1024;
    static final int MAX_NAME_BYTES = 255;

    /** {@code PINS}. */
    private static final int MAGIC = 0x534e_4950;

    private static final int HEADER_BYTES = 12;
    private static final int PIN_BYTES = 12;
    private static final int SEAL_BYTES = 16;
    private static final int KEEP = 0;
    private static final int DROP = 1;

    /** One pin: the last record that it does not hold. */
    record Pin(long lsn, WalPin.Overflow overflow) {}

    PinTable withPin(String name, Pin pin) {
        var next = new LinkedHashMap<>(pins);
        next.put(name, pin);
        return new PinTable(Collections.unmodifiableMap(next), seals, writerEpoch);
    }

    PinTable without(String name) {
        var next = new LinkedHashMap<>(pins);
        next.remove(name);
        return new PinTable(Collections.unmodifiableMap(next), seals, writerEpoch);
    }

    PinTable withSeals(Map<Long, Long> itsSeals) {
        return new PinTable(pins, Collections.unmodifiableMap(itsSeals), writerEpoch);
    }

    PinTable withNextWriter() {
        return new PinTable(pins, seals, writerEpoch + 1);
    }

    /** No pin behind {@code lsn}. */
    PinTable cutTo(long lsn) {
        var next = new LinkedHashMap<>(pins);
        next.replaceAll((name, pin) -> new Pin(Math.min(pin.lsn(), lsn), pin.overflow()));
        return new PinTable(Collections.unmodifiableMap(next), seals, writerEpoch);
    }

    /** Up to where nobody holds anything; {@link Long#MAX_VALUE} if there is no pin. */
    long lowestLsn() {
        return pins.values().stream().mapToLong(Pin::lsn).min().orElse(Long.MAX_VALUE);
    }

    /** The highest of all pins; 0 if there is none. */
    long highestLsn() {
        return pins.values().stream().mapToLong(Pin::lsn).max().orElse(0);
    }

    void writeTo(OutputStream target) throws IOException {
        target.write(buffer(HEADER_BYTES)
                .putInt(MAGIC)
                .putInt(pins.size())
                .putInt(seals.size())
                .array());
        for (var entry : pins.entrySet()) {
            var name = entry.getKey().getBytes(UTF_8);
            target.write(buffer(PIN_BYTES + name.length)
                    .putLong(entry.getValue().lsn())
                    .put((byte) (entry.getValue().overflow() == WalPin.Overflow.DROP ? DROP : KEEP))
                    .put((byte) 0)
                    .putShort((short) name.length)
                    .put(name)
                    .array());
        }
        for (var seal : seals.entrySet()) {
            target.write(buffer(SEAL_BYTES)
                    .putLong(seal.getKey())
                    .putLong(seal.getValue())
                    .array());
        }
        if (writerEpoch > 0) {
            target.write(buffer(Long.BYTES).putLong(writerEpoch).array());
        }
    }

    /**
     * Reads one, to the end.
     *
     * @throws WalException if it is damaged, or none
     */
    static PinTable readFrom(InputStream source) throws IOException {
        var header = read(source, HEADER_BYTES);
        int magic = header.getInt();
        int pinCount = header.getInt();
        int sealCount = header.getInt();
        if (magic != MAGIC || pinCount < 0 || pinCount > MAX_PINS || sealCount < 0) {
            throw new WalCorruptedException("not a table of pins");
        }
        var pins = new LinkedHashMap<String, Pin>();
        for (int count = 0; count < pinCount; count++) {
            var pin = read(source, PIN_BYTES);
            long lsn = pin.getLong();
            int overflow = pin.getShort();
            int nameBytes = pin.getShort();
            if (lsn < 0 || (overflow != KEEP && overflow != DROP) || nameBytes > MAX_NAME_BYTES) {
                throw new WalCorruptedException("a pin at LSN " + lsn + " with overflow " + overflow);
            }
            var name = UTF_8.decode(read(source, nameBytes)).toString();
            pins.put(name, new Pin(lsn, overflow == DROP ? WalPin.Overflow.DROP : WalPin.Overflow.KEEP));
        }
        var seals = new TreeMap<Long, Long>();
        for (int count = 0; count < sealCount; count++) {
            var seal = read(source, SEAL_BYTES);
            seals.put(seal.getLong(), seal.getLong());
        }
        var rest = source.readNBytes(Long.BYTES);
        long writerEpoch = rest.length == 0 ? 0 : writerEpoch(rest);
        if (source.read() >= 0) {
            throw new WalCorruptedException("more than a table of pins");
        }
        return new PinTable(Collections.unmodifiableMap(pins), Collections.unmodifiableMap(seals), writerEpoch);
    }

    private static long writerEpoch(byte[] rest) throws IOException {
        long epoch = rest.length == Long.BYTES
                ? ByteBuffer.wrap(rest).order(ByteOrder.LITTLE_ENDIAN).getLong()
                : 0;
        if (epoch < 1) {
            throw new WalCorruptedException("a table of pins with writer epoch " + epoch);
        }
        return epoch;
    }

    private static ByteBuffer read(InputStream source, int count) throws IOException {
        var bytes = source.readNBytes(Math.max(0, count));
        if (bytes.length != count) {
            throw new WalCorruptedException("a table of pins that ends in its middle");
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
