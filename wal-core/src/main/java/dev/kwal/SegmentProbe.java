package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What the first bytes of a segment say.
 *
 * @param header null if it is not whole
 * @param headerProblem what is wrong with it otherwise
 * @param open null if the first frame is not a whole OPEN frame
 */
record SegmentProbe(
        long sequence,
        long size,
        @Nullable SegmentHeader header,
        SegmentHeader.@Nullable Problem headerProblem,
        @Nullable OpenFrame open) {
    private static final int PROBE_BYTES = 512;

    /**
     * Reads them.
     *
     * @throws WalFormatException if it is no segment of this version
     * @throws WalCorruptedException if the header names another sequence than the file, or the OPEN frame makes no sense
     */
    static SegmentProbe of(WalStore store, long sequence) throws IOException {
        try (var reader = store.open(sequence)) {
            var bytes = Format.buffer(Format.HEADER_BYTES);
            int read = reader.read(0, bytes);
            var decoded = Format.decodeHeader(bytes, read);
            var header = decoded.header();
            if (decoded.problem() == SegmentHeader.Problem.FOREIGN) {
                throw new WalFormatException(sequence, decoded.what());
            }
            if (header == null) {
                return new SegmentProbe(sequence, reader.size(), null, decoded.problem(), null);
            }
            if (header.sequence() != sequence) {
                throw new WalCorruptedException(
                        sequence, 0, 0, "renamed or copied: its header says segment " + header.sequence());
            }
            var scanner = new FrameScanner(reader, header, 0, PROBE_BYTES);
            boolean isOpen = scanner.next() == FrameScanner.Step.FRAME
                    && scanner.kind() == Format.OPEN
                    && scanner.payloadBytes() == Format.OPEN_PAYLOAD_BYTES;
            var open = isOpen ? OpenFrame.get(scanner.payload()) : null;
            if (open != null && !open.isPlausible(sequence)) {
                throw new WalCorruptedException(
                        sequence, Format.HEADER_BYTES, 0, "the OPEN frame is whole, but cannot be: " + open);
            }
            return new SegmentProbe(sequence, reader.size(), header, null, open);
        }
    }
}
