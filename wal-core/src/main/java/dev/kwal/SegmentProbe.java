package dev.kwal;

import dev.kwal.storage.WalStore;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What the first bytes of a segment say, and the last.
 *
 * @param header null if it is not whole
 * @param headerProblem what is wrong with it otherwise
 * @param open null if the first frame is not a whole OPEN frame
 * @param seal the seal that ends with the segment; null if there is none
 */
record SegmentProbe(
        long sequence,
        long size,
        @Nullable SegmentHeader header,
        SegmentHeader.@Nullable Problem headerProblem,
        @Nullable OpenFrame open,
        @Nullable SealFrame seal) {
    private static final int PROBE_BYTES = 512;

    /**
     * Reads them.
     *
     * @throws WalFormatException if it is no segment of this version
     * @throws WalCorruptedException if the header names another sequence than the file, or the OPEN frame makes no sense
     */
    static SegmentProbe of(WalStore store, long sequence) throws IOException {
        try (var reader = store.open(sequence)) {
            var start = new FrameBlock(PROBE_BYTES);
            int read = reader.read(0, start.bytes);
            start.bytes.flip();
            var decoded = Format.decodeHeader(start.bytes, read);
            var header = decoded.header();
            if (decoded.problem() == SegmentHeader.Problem.FOREIGN) {
                throw new WalFormatException(sequence, decoded.what());
            }
            if (header == null) {
                return new SegmentProbe(sequence, reader.size(), null, decoded.problem(), null, null);
            }
            if (header.sequence() != sequence) {
                throw new WalCorruptedException(
                        sequence, 0, 0, "renamed or copied: its header says segment " + header.sequence());
            }
            var scanner = new FrameScanner(reader, header, 0, PROBE_BYTES);
            scanner.beginWith(start, 0);
            boolean isOpen = scanner.next() == FrameScanner.Step.FRAME
                    && scanner.kind() == Format.OPEN
                    && scanner.payloadBytes() == Format.OPEN_PAYLOAD_BYTES;
            var open = isOpen ? OpenFrame.get(scanner.payload()) : null;
            if (open != null && !open.isPlausible(sequence)) {
                throw new WalCorruptedException(
                        sequence, Format.HEADER_BYTES, 0, "the OPEN frame is whole, but cannot be: " + open);
            }
            long size = reader.size();
            var seal = open == null ? null : Segment.readSealOnly(reader, header, size);
            return new SegmentProbe(sequence, size, header, null, open, seal);
        }
    }
}
