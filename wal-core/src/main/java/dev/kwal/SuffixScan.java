package dev.kwal;

import dev.kwal.storage.SegmentReader;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Looks for whole frames behind a place where a segment stops making sense, because they may prove that what is missing
 * had been synced.
 *
 * <p>Bounded work: positions are filtered by alignment, length and LSN range before any checksum is computed, and the bytes
 * that go through checksums have a budget of four times the suffix and a mebibyte.
 *
 * @param lastByte the position behind the last byte that is not zero; {@code from} if there is none
 * @param frames how many whole frames were found
 * @param durableLsn the highest durable LSN that one of them vouches for; -1 for none
 * @param syncedPosition the highest position of this segment that one of them vouches for; 0 for none
 * @param lowestRecordLsn the lowest LSN of a record among them; {@link Long#MAX_VALUE} for none
 * @param isComplete whether the budget sufficed
 */
record SuffixScan(
        long lastByte, int frames, long durableLsn, long syncedPosition, long lowestRecordLsn, boolean isComplete) {
    private static final int BLOCK_BYTES = 256 << 10;
    private static final long SPARE_BUDGET = 1 << 20;

    /**
     * Scans from a position to the end.
     *
     * @param lowLsn frames with a lower LSN are of an earlier use of the file, whatever their checksum says
     * @param lastLsn the last record known to be whole; frames behind it cannot be farther ahead than the bytes allow
     */
    static SuffixScan of(SegmentReader reader, SegmentHeader header, long from, long lowLsn, long lastLsn)
            throws IOException {
        return new Search(reader, header, from, lowLsn, lastLsn).run();
    }

    private static final class Search {
        private final SegmentReader reader;
        private final FrameScanner scanner;
        private final long size;
        private final long from;
        private final long lowLsn;
        private final long highLsn;
        private final long budget;
        private final ByteBuffer block;

        private long lastByte;
        private int frames;
        private long durableLsn = -1;
        private long syncedPosition;
        private long lowestRecordLsn = Long.MAX_VALUE;

        Search(SegmentReader reader, SegmentHeader header, long from, long lowLsn, long lastLsn) throws IOException {
            this.reader = reader;
            this.from = from;
            this.size = reader.size();
            // One byte more, so that what ends the segment is seen to be shorter than the block.
            this.block = Format.buffer((int) Math.min(BLOCK_BYTES, Math.max(0, size - from) + 1));
            this.lowLsn = lowLsn;
            long room = Math.max(0, size - from) / Format.FRAME_HEADER_BYTES + 1;
            this.highLsn = lastLsn + Math.min(room, Format.MAX_LSN - lastLsn);
            this.budget = 4 * Math.max(0, size - from) + SPARE_BUDGET;
            // Longer frames are checked piece by piece, so nothing large is allocated for what may be garbage.
            this.scanner = new FrameScanner(reader, header, 0, 4096);
            this.lastByte = from;
        }

        SuffixScan run() throws IOException {
            long position = Format.align(from);
            while (position < size) {
                block.clear();
                int read = reader.read(position, block);
                if (read == 0) {
                    break;
                }
                int end = endOfBytes(read);
                if (end > 0) {
                    lastByte = Math.max(lastByte, position + end);
                }
                long next = searchBlock(position, read, end);
                if (next < 0) {
                    return result(false);
                }
                if (read < block.capacity()) {
                    break;
                }
                position = next;
            }
            return result(true);
        }

        /** Behind the last byte of the block that is not zero. */
        private int endOfBytes(int read) {
            if (isZero(block, read)) {
                return 0;
            }
            int end = read;
            while (end >= Long.BYTES && block.getLong(end - Long.BYTES) == 0) {
                end -= Long.BYTES;
            }
            while (end > 0 && block.get(end - 1) == 0) {
                end--;
            }
            return end;
        }

        /** Prepared space is mostly that: each byte is compared with its neighbour, many at a time. */
        private static boolean isZero(ByteBuffer bytes, int count) {
            return bytes.get(0) == 0 && bytes.slice(0, count - 1).mismatch(bytes.slice(1, count - 1)) < 0;
        }

        /** Where to go on, at least behind the last frame found; negative when the budget is used up. */
        private long searchBlock(long start, int read, int end) throws IOException {
            int at = 0;
            while (at < end && at + Format.FRAME_HEADER_BYTES <= read) {
                if (block.getLong(at) != 0 && isCandidate(at, size - start - at)) {
                    if (scanner.scannedBytes() > budget) {
                        return -1;
                    }
                    scanner.seek(start + at);
                    var step = scanner.next();
                    if (step == FrameScanner.Step.FRAME) {
                        note();
                    } else if (step == FrameScanner.Step.TOO_LONG) {
                        noteTooLong(at);
                        scanner.seek(start + at + Format.align(Format.length(block, at)));
                    }
                    if (step == FrameScanner.Step.FRAME || step == FrameScanner.Step.TOO_LONG) {
                        if (scanner.position() - start + Format.FRAME_HEADER_BYTES > read) {
                            return scanner.position();
                        }
                        at = (int) (scanner.position() - start);
                        continue;
                    }
                }
                at += Format.ALIGNMENT;
            }
            return start + Math.max(at, Format.align(read - Format.FRAME_HEADER_BYTES + 1));
        }

        private boolean isCandidate(int at, long room) {
            if (!Format.isPlausible(block, at, room)) {
                return false;
            }
            long lsn = Format.lsn(block, at);
            return lsn >= lowLsn - (Format.kind(block, at) == Format.RECORD ? 0 : 1) && lsn <= highLsn;
        }

        private void note() {
            frames++;
            lastByte = Math.max(lastByte, scanner.position());
            durableLsn = Math.max(durableLsn, scanner.durableLsn());
            if (scanner.kind() == Format.MARK || scanner.kind() == Format.CLOSE) {
                syncedPosition = Math.max(syncedPosition, scanner.number());
            }
            if (scanner.kind() == Format.RECORD) {
                lowestRecordLsn = Math.min(lowestRecordLsn, scanner.lsn());
            }
        }

        private void noteTooLong(int at) {
            frames++;
            durableLsn = Math.max(durableLsn, Format.durableLsn(block, at));
            lowestRecordLsn = Math.min(lowestRecordLsn, Format.lsn(block, at));
        }

        private SuffixScan result(boolean isComplete) {
            return new SuffixScan(lastByte, frames, durableLsn, syncedPosition, lowestRecordLsn, isComplete);
        }
    }
}
