package dev.kwal.cli;

import dev.kwal.SegmentInfo;
import dev.kwal.Wal;
import dev.kwal.WalCorruptedException;
import dev.kwal.WalReader;
import dev.kwal.storage.FileStore;
import dev.kwal.storage.WalStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * Copies the segments of a log, each up to where it belongs to the log, and checks the copy before it gets its name.
 *
 * <p>Segments of a live log can be deleted meanwhile, so the oldest are opened before the first is copied. Their files can be
 * written over in place when they are recycled, which is why a backup has no hard links. What the copy then has is no frame of
 * its segment, so checking finds it, and the copy is made anew from the log as it is by then.
 */
final class Backup {
    private static final int ATTEMPTS = 20;
    private static final int BLOCK_BYTES = 1 << 20;

    private final WalStore source;
    private final Path target;

    private Backup(WalStore source, Path target) {
        this.source = source;
        this.target = target;
    }

    /** What the copy has. */
    record Result(int segments, long bytes, String records) {}

    /**
     * Makes the backup.
     *
     * @throws WalCorruptedException if the log is damaged; there is no backup then
     */
    static Result of(WalStore source, Path target) throws IOException {
        return new Backup(source, target).run();
    }

    private Result run() throws IOException {
        for (int attempt = 1; ; attempt++) {
            try (var directory = NewDirectory.at(target);
                    var reader = LogCommand.open(source)) {
                try {
                    return copy(reader, directory);
                } catch (WalCorruptedException | NoSuchFileException e) {
                    if (attempt == ATTEMPTS || !hasChanged(reader)) {
                        throw e;
                    }
                }
            }
        }
    }

    /** Whether the log has dropped or begun segments since it was opened. */
    private boolean hasChanged(WalReader before) throws IOException {
        try (var now = LogCommand.open(source)) {
            return !sequences(now).equals(sequences(before));
        }
    }

    private static List<Long> sequences(WalReader reader) {
        return reader.segments().stream().map(SegmentInfo::sequence).toList();
    }

    private Result copy(WalReader reader, NewDirectory directory) throws IOException {
        var copy = FileStore.of(directory.partial()).withPreallocation(false).withReserveBytes(0);
        var lock = copy.lock();
        try (var segments = new OpenSegments(source, reader.segments())) {
            for (var segment = segments.next(); segment != null; segment = segments.next()) {
                copy(segment, copy);
            }
        } finally {
            lock.close();
        }
        var result = checked(copy, reader);
        directory.complete();
        return result;
    }

    /** To a store the header is nothing but the first bytes. */
    private static void copy(OpenSegments.Segment segment, WalStore copy) throws IOException {
        var block = ByteBuffer.allocate(BLOCK_BYTES);
        long end = segment.info().bytes();
        segment.read(0, end, block);
        try (var writer = copy.create(segment.info().sequence(), block, end)) {
            for (long position = block.limit(); position < end; position += block.limit()) {
                segment.read(position, end, block);
                writer.append(block.duplicate());
            }
            writer.sync();
        }
    }

    private static Result checked(WalStore copy, WalReader reader) throws IOException {
        long lastLsn = reader.recovery().lastLsn();
        try (var copied =
                Wal.openReadOnly(copy, LogCommand.OPTIONS.withVerifyOnOpen(true).withExpectAtLeast(lastLsn))) {
            return new Result(copied.segments().size(), copied.sizeBytes(), LogText.records(copied));
        }
    }
}
